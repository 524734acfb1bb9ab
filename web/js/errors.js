/**
 * An error of a node of ours in the language of the page, in a message of the page's own kind, which stays until it is
 * closed. The page itself shows what the server says, in English, in its dialog or panel of errors; of an error that is
 * not in locales/<language>/main.json there is that alone.
 */
import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { errorText } from "./language.js";

/** @param {{node_type: string, exception_message: string}} error of an event `execution_error` */
function tell({ node_type: type, exception_message: message }) {
  if (!String(type).startsWith("HypoNet")) return;
  const english = String(message).trim();
  const text = errorText(english);
  if (text === english) return;
  const summary = window.LiteGraph.registered_node_types[type]?.title ?? type;
  app.extensionManager.toast.add({ severity: "error", summary, detail: text });
}

app.registerExtension({
  name: "hyponet.errors",

  setup() {
    api.addEventListener("execution_error", ({ detail }) => tell(detail));
  },
});
