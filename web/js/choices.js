/**
 * The choices of our nodes' combo boxes in the language of the page, where it has words for them; names of samplers,
 * networks or files stay. The values stay English, so that graphs, the server and other languages know them.
 *
 * The page asks a widget's options for a label where it shows a choice; that of 1.32.9 does so in the canvas alone.
 */
import { app } from "../../../scripts/app.js";
import { choiceOf } from "./language.js";

const LONGEST = 8; // of our own lists; the canvas filters a longer one, such as of files, where it has no labels

app.registerExtension({
  name: "hyponet.choices",

  nodeCreated(node) {
    if (!String(node.comfyClass ?? "").startsWith("HypoNet")) return;
    for (const { name, type, options } of node.widgets ?? []) {
      if (type !== "combo" || !(options.values?.length <= LONGEST)) continue;
      options.getOptionLabel = (value) => choiceOf(name, value ?? "");
    }
  },
});
