/**
 * A colour for each type of socket and its links, as ComfyUI's own types have: who connects a colour to the same colour
 * connects what fits. Far from each other and from ComfyUI's, on dark and on light canvases.
 *
 * The page empties the colours of types that its theme does not have, whenever a theme is chosen; an entry here keeps
 * its colour then, and yields to a theme that names one.
 */
import { app } from "../../../scripts/app.js";

const COLOURS = {
  HYPONET_CLASSIFIER: "#178c99",
  HYPONET_HYPONYMS: "#94b21b",
  HYPONET_CLASSES: "#1fcc1f",
  HYPONET_PLAN: "#cc641f",
  HYPONET_ITEMS: "#b26282",
  HYPONET_OPTIONS: "#547099",
  HYPONET_DATASET: "#2270e6",
  HYPONET_IMAGES: "#ab22e6",
  HYPONET_CHECKPOINT: "#cc1f87",
  HYPONET_FEATURES: "#179931",
  HYPONET_STATISTICS: "#a73eb2",
  HYPONET_RESULT: "#997f17",
};

/**
 * Let `colours[type]` be `own` wherever nothing else is written there.
 * @param {Record<string, string>} colours of the page, by type
 * @param {string} type
 * @param {string} own
 */
function keep(colours, type, own) {
  let given = colours[type];
  Object.defineProperty(colours, type, {
    configurable: true,
    enumerable: true,
    get: () => given || own,
    set: (value) => {
      given = value;
    },
  });
}

app.registerExtension({
  name: "hyponet.colours",

  setup() {
    const { canvas } = app;
    for (const [type, own] of Object.entries(COLOURS)) {
      keep(canvas.default_connection_color_byType, type, own);
      keep(canvas.constructor.link_type_colors, type, own);
    }
    // Nodes 2.0 reads them from the style of the page; what a theme names is written on an element, and goes before
    const sheet = new CSSStyleSheet();
    const rules = Object.entries(COLOURS).map(([type, own]) => `--color-datatype-${type}: ${own};`);
    sheet.replaceSync(`:root { ${rules.join(" ")} }`);
    document.adoptedStyleSheets.push(sheet);
  },
});
