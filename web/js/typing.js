/**
 * Help in the boxes in which templates are typed: two underscores offer the names of the lists, and what the server
 * would refuse is said under the box; else how many combinations there are, and one of them. In the boxes of rules the
 * slots of the template and their options are offered.
 *
 * Which boxes those are, the schema says (TemplateInput and RulesInput in nodes/widgets.py). In the canvas a box is an
 * element of its widget, in Nodes 2.0 one that the page makes anew as it likes; so events are heard where both come by.
 */
import { app } from "../../../scripts/app.js";
import { element } from "./elements.js";
import { known, learn, textOfList } from "./known_lists.js";
import { errorText, translated } from "./language.js";
import { inRules, inTemplate } from "./offers.js";
import { labelsOf, slotsOf } from "./slots.js";
import { Panel } from "./suggestions.js";
import { read } from "./template_check.js";
import { RESERVED } from "./template_count.js";
import { linesOf } from "./template_lists.js";
import { PROMPT, preview } from "./template_preview.js";

// marks of an input: true where its text is one template, false where parts of it are; where it is rules between slots
const [TEMPLATE, RULES] = ["hyponet_template", "hyponet_rules"];
const FIRST_LINES = 8;
const PAUSE = 300; // in ms, until what a template gives is said: a screen reader would read each letter's

/** @type {WeakMap<Element, {node: any, widget: any}>} of the canvas */
const boxes = new WeakMap();
const panel = new Panel(accept, look);
let dismissed = -1; // where the name begins for which Escape was pressed
const NOTHING = { slots: [], labels: [] };
let named = NOTHING; // in the rules
let waiting = 0; // the timer of what is to be said

/** What the schema says of a widget's input. */
function marksOf(node, widget) {
  const { required, optional } = node.constructor.nodeData?.input ?? {};
  return (required?.[widget.name] ?? optional?.[widget.name])?.[1] ?? {};
}

/** Whether a widget takes templates, or rules between their slots. */
const isOurs = (node, widget) => marksOf(node, widget)[TEMPLATE] !== undefined || marksOf(node, widget)[RULES];

/** The node and the widget that a text box belongs to, where we help with it. */
function ownerOf(target) {
  if (!(target instanceof HTMLTextAreaElement)) return null;
  if (boxes.has(target)) return boxes.get(target);
  const id = target.closest("[data-node-id]")?.getAttribute("data-node-id");
  const node = id && app.canvas.graph?.getNodeById(id);
  const label = target.getAttribute("aria-label") ?? target.labels?.[0]?.textContent.trim();
  const widget = node && node.widgets?.find((one) => label && (one.label === label || one.name === label));
  return widget && isOurs(node, widget) ? { node, widget } : null;
}

/** How the server's errors call the text of a widget, where that can be told. */
function sourceOf({ node, widget }) {
  const what = widget.name === "negative" ? "negative template" : "template";
  const given = node.widgets.find((one) => one.name === "class_name")?.value;
  const label = node.comfyClass === PROMPT ? "prompt" : String(given ?? "").trim();
  return label ? `${what} of class ${label}` : what;
}

/** What could stand at the caret; null where nothing could. */
function offer() {
  const { value, selectionStart: caret, selectionEnd: end } = panel.target;
  const { node, widget } = ownerOf(panel.target);
  if (caret !== end) return null;
  if (marksOf(node, widget)[RULES]) return inRules(value, caret, named);
  return inTemplate(value, caret, { ...known, words: node.comfyClass === PROMPT ? [] : RESERVED });
}

/** Learn what there is to offer in a box; what was said of it came before the answer. */
async function enter(target, owner) {
  const { node, widget } = owner;
  named = NOTHING;
  await learn();
  const found = marksOf(node, widget)[RULES] ? { slots: await slotsOf(node), labels: labelsOf(node) } : NOTHING;
  if (panel.target !== target) return; // another box has been entered meanwhile
  named = found;
  if (panel.isOpen) update();
  else check(owner);
}

/** Show what there is to say of the text of the box that has the focus, and where its caret is. */
function update() {
  const owner = ownerOf(panel.target);
  if (!owner) return panel.leave();
  const offered = offer();
  if (offered?.start !== dismissed) dismissed = -1;
  if (offered && dismissed < 0) panel.open(offered.suggestions);
  else panel.close();
  check(owner);
}

/** Say what is wrong with the text, but for a name that is being chosen; of a right one, what it gives. */
function check(owner) {
  clearTimeout(waiting);
  waiting = 0;
  const isChecked = marksOf(owner.node, owner.widget)[TEMPLATE] && !panel.isOpen;
  const { nodes, mistake } = isChecked ? read(panel.target.value, sourceOf(owner)) : { nodes: null, mistake: null };
  panel.say(errorText(mistake?.split("\n")[0] ?? ""));
  if (nodes) waiting = setTimeout(show, PAUSE, owner, nodes);
  else panel.show(null);
}

/** Say what a template gives, unless another one has come meanwhile. */
async function show({ node, widget }, nodes) {
  const [{ target }, began] = [panel, waiting];
  const found = await preview(nodes, node, widget.name);
  if (target && panel.target === target && waiting === began) panel.show(found);
}

/** Close the list until another name is typed. */
function dismiss() {
  dismissed = offer()?.start ?? -1;
  update();
}

/** Put a name where it is being typed. */
function accept({ insert: text }) {
  const { target } = panel;
  const { start, end } = offer(); // there is one while the list is open
  target.setSelectionRange(start, end);
  panel.close();
  // keeps what can be undone, and the page hears of it as of what is typed
  if (!document.execCommand("insertText", false, text)) {
    target.setRangeText(text, start, end, "end");
    target.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}

/** Tell how many lines a list of the user has, and the first of them. */
async function look(suggestion) {
  if (suggestion.kind !== "own") return;
  const text = await textOfList(suggestion.name);
  if (text === null) return; // the name stands without its lines
  const options = linesOf(text);
  const more = options.length > FIRST_LINES ? ", ..." : "";
  const count = translated("{count} options", { count: options.length });
  panel.tell(suggestion, `${count}: ${options.slice(0, FIRST_LINES).join(", ")}${more}`);
}

app.registerExtension({
  name: "hyponet.typing",

  setup() {
    const style = element("link", "", { rel: "stylesheet" });
    style.href = new URL("../typing.css", import.meta.url).href;
    document.head.append(style);
    document.body.append(panel.element);
    document.addEventListener("focusin", ({ target }) => {
      if (!ownerOf(target)) return;
      panel.enter(target);
      dismissed = -1;
      check(ownerOf(target));
      enter(target, ownerOf(target));
    });
    document.addEventListener("input", ({ target }) => target === panel.target && update(), true);
    document.addEventListener("selectionchange", () => panel.isOpen && update());
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.target !== panel.target) return;
        if (event.altKey && event.key === "Enter" && panel.again) panel.draw();
        else if (!panel.isOpen) return;
        else if (event.key === "Escape") dismiss();
        else if (!panel.key(event)) return;
        event.preventDefault();
        event.stopImmediatePropagation(); // the page and the box have uses of their own for these keys
      },
      true,
    );
  },

  nodeCreated(node) {
    for (const widget of node.widgets ?? []) {
      if (widget.element && isOurs(node, widget)) boxes.set(widget.element, { node, widget });
    }
  },
});
