/**
 * What the boxes that we draw inside nodes have in common. A box is a DOM widget, which both renderers take: the
 * canvas, and Nodes 2.0. Nothing of it is saved into a workflow.
 */
import { app } from "../../../scripts/app.js";
import { showInLayer } from "./layer.js";

/**
 * Put an element into a node, as a widget without a value.
 * @param {any} node
 * @param {string} name of the widget
 * @param {HTMLElement} box
 * @param {number} leastHeight pixels, with the margins that the canvas draws around a DOM widget
 */
export function addBox(node, name, box, leastHeight) {
  box.dataset.captureWheel = "true"; // Nodes 2.0 leaves the wheel to what has this and the focus
  keepEvents(box);
  const widget = node.addDOMWidget(name, `hyponet_${name}`, box, {
    serialize: false,
    getMinHeight: () => leastHeight,
    getValue: () => "",
    setValue: () => {},
  });
  widget.serialize = false; // neither into the prompt (above) nor into the workflow
  widget.computeLayoutSize = () => ({ minHeight: leastHeight, minWidth: 0 }); // the page's own reads styles each frame
  showInLayer(widget);
}

/** Selecting and scrolling happen in the box; what it has no use for goes to the canvas. */
function keepEvents(box) {
  for (const kind of ["pointerdown", "pointermove", "pointerup", "dblclick"]) {
    box.addEventListener(kind, (event) => event.button !== 1 && event.stopPropagation());
  }
  for (const kind of ["copy", "keydown"]) {
    box.addEventListener(kind, (event) => {
      const isCopy = kind === "copy" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "c");
      if (isCopy && !document.getSelection().isCollapsed) event.stopPropagation(); // else the page copies the node
    });
  }
  box.addEventListener("wheel", (event) => {
    const scrolled = box.querySelector(".scrolled") ?? box;
    const canScroll =
      scrolled.scrollHeight > scrolled.clientHeight + 1 || scrolled.scrollWidth > scrolled.clientWidth + 1;
    if (canScroll && !event.ctrlKey && !event.metaKey) event.stopPropagation();
    else if (!window.LiteGraph.vueNodesMode) app.canvas.processMouseWheel(event);
  });
}
