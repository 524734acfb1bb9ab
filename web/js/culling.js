/**
 * Culling by clicking: Reject Items shows the pictures of its set, and marks by click what the next run rejects.
 *
 * Which pictures there are, the node writes into ComfyUI's temp/ when it runs; they come by /view.
 */
import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { addBox } from "./boxes.js";
import { translated } from "./language.js";
import { Sheet } from "./pictures.js";

const REJECTS = "HypoNetRejectItems";
const LEAST_HEIGHT = 290; // 270 as in answers.css, and the canvas's margins

/** @type {WeakMap<object, Sheet>} of a node, and of its box */
const sheets = new WeakMap();

/**
 * Show the pictures of a set in their node.
 * @param {any} node
 * @param {{filename: string, subfolder: string, type: string}} file the list, as /view names it
 */
export async function showPictures(node, file) {
  const sheet = sheets.get(node);
  if (!sheet) return;
  let listing = null;
  try {
    const response = await api.fetchApi(`/view?${new URLSearchParams(file)}`);
    if (response.ok) listing = await response.json();
    else sheet.line.textContent = translated("The list of the pictures is gone; run this node again.");
  } catch {
    sheet.line.textContent = translated("The list of the pictures did not come: the server does not answer.");
  }
  if (listing) sheet.fill(listing);
}

app.registerExtension({
  name: "hyponet.culling",

  nodeCreated(node) {
    if (node.comfyClass !== REJECTS) return;
    const sheet = new Sheet(node);
    sheets.set(node, sheet);
    sheets.set(sheet.box, sheet);
    addBox(node, "pictures", sheet.box, LEAST_HEIGHT);
    const { onRemoved } = node;
    node.onRemoved = function (...values) {
      onRemoved?.apply(this, values);
      sheet.large?.close(); // undo makes the node anew; what is marked in the old one would be lost
    };
    const [width, height] = node.computeSize();
    node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
    const { selection } = sheet;
    const { callback } = selection;
    selection.callback = function (...values) {
      callback?.apply(this, values);
      sheet.drawMarks();
    };
  },

  afterConfigureGraph() {
    const root = app.rootGraph ?? app.graph;
    for (const graph of [root, ...(root.subgraphs?.values() ?? [])]) {
      for (const node of graph.nodes) sheets.get(node)?.drawMarks();
    }
    for (const box of document.querySelectorAll(".hyponet-pictures")) sheets.get(box)?.drawMarks();
  },
});
