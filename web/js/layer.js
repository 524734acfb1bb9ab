/**
 * Our boxes in the canvas: all in one layer, which one transform moves with the view.
 *
 * Left to itself, the page places each DOM widget in sight on each frame, and has the browser lay out anew for each.
 * Here a box is placed when its node draws it elsewhere than before. In Nodes 2.0 the page has the boxes in its nodes.
 */
import { app } from "../../../scripts/app.js";
import { element } from "./elements.js";

const layer = element("div", "hyponet-layer");
/** @type {WeakMap<any, HTMLElement>} by widget */
const places = new WeakMap();
/** @type {Set<any>} the places that this frame has drawn, and those in sight */
let drawn = new Set();
let inSight = new Set();
let scale = 0; // of the last frame

/**
 * Have the canvas show a widget in the layer, and so the copies that the page makes of it for a subgraph's node.
 * @param {any} widget a DOM widget
 */
export function showInLayer(widget) {
  placeOf(widget);
  widget.options.onDraw = (shown) => {
    if (app.canvas.low_quality || window.LiteGraph.vueNodesMode) return;
    const place = placeOf(shown);
    if (shown.element.parentElement !== place) place.replaceChildren(shown.element);
    const style = styleOf(shown);
    if (place.getAttribute("style") !== style) place.setAttribute("style", style);
    drawn.add(place);
  };
}

/** The place of a widget, from when it was made or first drawn until it is removed. */
function placeOf(widget) {
  if (places.has(widget)) return places.get(widget);
  const place = element("div", "hyponet-place");
  places.set(widget, place);
  // the page draws a panel in its stead where letters are too small to be read, and else leaves it to us
  widget.isVisible = () => app.canvas.low_quality;
  const { onRemove } = widget;
  widget.onRemove = function () {
    place.remove();
    onRemove?.call(this);
  };
  return place;
}

/** Where a widget is, in units of the graph, and what of it the selected node covers. */
function styleOf(widget) {
  const { node, margin } = widget;
  const [left, top] = [node.pos[0] + margin, node.pos[1] + widget.y + margin];
  const [width, height] = [(widget.width ?? node.size[0]) - 2 * margin, widget.computedHeight - 2 * margin];
  const order = app.canvas.graph.nodes.indexOf(node);
  const style = `left: ${left}px; top: ${top}px; width: ${width}px; height: ${height}px; z-index: ${order}`;
  const [front] = app.canvas.selectedItems;
  if (!front?.renderArea || front === node) return style;
  const [x, y] = [front.renderArea[0] - left, front.renderArea[1] - top];
  const [x2, y2] = [x + front.renderArea[2], y + front.renderArea[3]];
  if (x >= width || y >= height || x2 <= 0 || y2 <= 0) return style;
  const hole = `${x}px ${y}px, ${x2}px ${y}px, ${x2}px ${y2}px, ${x}px ${y2}px, ${x}px ${y}px`;
  return `${style}; clip-path: polygon(evenodd, 0 0, 100% 0, 100% 100%, 0 100%, 0 0, ${hole})`;
}

/** At the end of a frame: move the layer, and show what has been drawn. */
function endFrame() {
  for (const place of drawn) if (place.parentElement !== layer) layer.append(place);
  for (const place of drawn) if (!inSight.has(place)) place.hidden = false;
  for (const place of inSight) if (!drawn.has(place)) place.hidden = true;
  [inSight, drawn] = [drawn, new Set()];
  const { ds, read_only: isReadOnly } = app.canvas;
  layer.style.transform = `scale(${ds.scale}) translate(${ds.offset[0]}px, ${ds.offset[1]}px)`;
  layer.style.willChange = ds.scale === scale ? "transform" : "auto"; // letters are drawn anew for another scale
  layer.inert = isReadOnly; // the view is being moved
  scale = ds.scale;
}

app.registerExtension({
  name: "hyponet.layer",

  setup() {
    app.canvas.canvas.after(layer);
    const { onDrawForeground } = app.canvas;
    app.canvas.onDrawForeground = function (...values) {
      onDrawForeground?.apply(this, values);
      endFrame();
    };
  },
});
