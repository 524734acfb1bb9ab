/**
 * Help in the boxes in which templates are typed: two underscores offer the names of the lists, and what the server
 * would refuse is said under the box.
 *
 * Which boxes those are, the schema says (TemplateInput in nodes/widgets.py). In the canvas a box is an element of its
 * widget, in Nodes 2.0 one that the page makes anew as it likes; so events are heard where both come by. The names are
 * those that Load Wildcard lists; which are the user's own, and what is in them, /userdata says.
 */
import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { element } from "./elements.js";
import { translated } from "./language.js";
import { Panel } from "./suggestions.js";
import { read } from "./template_check.js";
import { Names, placeOf } from "./wildcard_names.js";

const MARK = "hyponet_template"; // of an input: true where its text is one template, false where its lines are
const WORDS = ["class", "hypernym", "hyponym"]; // of the class, wherever a template has one
const PROMPT = "HypoNetDynamicPrompt"; // has none
const FOLDER = "hyponet/wildcards"; // of the user's own lists, below their folder
const FIRST_LINES = 8;

/** @type {WeakMap<Element, {node: any, widget: any}>} of the canvas */
const boxes = new WeakMap();
const panel = new Panel(accept, look);
let own = new Set(); // names of the user's own lists
let names = new Names([]);
/** @type {string[]} from which `names` were made */
let listed = [];
/** @type {Map<string, number>} how many options each of them has */
let counts = new Map();
let dismissed = -1; // where the name begins for which Escape was pressed

/** The mark of a widget's input; undefined where it takes no template. */
function markOf(node, widget) {
  const { required, optional } = node.constructor.nodeData?.input ?? {};
  return (required?.[widget.name] ?? optional?.[widget.name])?.[1]?.[MARK];
}

/** The node and the widget that a text box belongs to, where it takes templates. */
function ownerOf(target) {
  if (!(target instanceof HTMLTextAreaElement)) return null;
  if (boxes.has(target)) return boxes.get(target);
  const id = target.closest("[data-node-id]")?.getAttribute("data-node-id");
  const node = id && app.canvas.graph?.getNodeById(id);
  const label = target.getAttribute("aria-label") ?? target.labels?.[0]?.textContent.trim();
  const widget = node && node.widgets?.find((one) => label && (one.label === label || one.name === label));
  return widget && markOf(node, widget) !== undefined ? { node, widget } : null;
}

/** How the server's errors call the text of a widget, where that can be told. */
function sourceOf({ node, widget }) {
  const what = widget.name === "negative" ? "negative template" : "template";
  const given = node.widgets.find((one) => one.name === "class_name")?.value;
  const label = node.comfyClass === PROMPT ? "prompt" : String(given ?? "").trim();
  return label ? `${what} of class ${label}` : what;
}

/** How many options each list has: those that are plain text, and those that are templates. */
function countsOf(listed, { hyponet_counts: plain = [], hyponet_templates: templates = {} }) {
  const known = listed.map((name, index) => [name, plain[index], templates[name] ?? 0]);
  return new Map(known.filter(([, count]) => Number.isInteger(count)).map(([name, one, other]) => [name, one + other]));
}

/** Take the names that Load Wildcard lists now, and ask which are the user's own. */
async function learn() {
  const input = window.LiteGraph.registered_node_types.HypoNetLoadWildcard?.nodeData?.input.required.name;
  const options = (Array.isArray(input?.[0]) ? input[0] : input?.[1]?.options) ?? [];
  if (options !== listed) {
    [listed, counts] = [options, countsOf(options, input?.[1] ?? {})];
    names = new Names(listed, counts);
  }
  try {
    const response = await api.fetchApi(`/userdata?${new URLSearchParams({ dir: FOLDER, recurse: "true" })}`);
    const files = response.ok ? await response.json() : [];
    const texts = files.filter((file) => file.endsWith(".txt"));
    own = new Set(texts.map((file) => file.slice(0, -".txt".length).normalize("NFC")));
    const missing = [...own].filter((name) => !listed.includes(name)); // saved since the page was loaded
    if (missing.length) names = new Names([...listed, ...missing], counts);
  } catch {
    own = new Set(); // the server does not answer: no list stands before others
  }
  if (panel.isOpen) update(); // names were shown before the answer came
}

/** Show what there is to say of the text of the box that has the focus, and where its caret is. */
function update() {
  const { target } = panel;
  const owner = ownerOf(target);
  if (!owner) return panel.leave();
  const isCollapsed = target.selectionStart === target.selectionEnd;
  const place = isCollapsed ? placeOf(target.value, target.selectionStart) : null;
  if (place?.start !== dismissed) dismissed = -1;
  const words = owner.node.comfyClass === PROMPT ? [] : WORDS;
  if (place && dismissed < 0) panel.open(names.suggest(place.typed, own, words));
  else panel.close();
  check(owner);
}

/** Say what is wrong with the text, but for a name that is being chosen. */
function check(owner) {
  const isChecked = markOf(owner.node, owner.widget) && !panel.isOpen;
  panel.say((isChecked && read(panel.target.value, sourceOf(owner)).mistake?.split("\n")[0]) || "");
}

/** Close the list until another name is typed. */
function dismiss() {
  dismissed = placeOf(panel.target.value, panel.target.selectionStart)?.start ?? -1;
  update();
}

/** Put a name where it is being typed; in a folder, go on. */
function accept({ name, kind }) {
  const { target } = panel;
  const { start, end } = placeOf(target.value, target.selectionStart); // there is one while the list is open
  const text = kind === "folder" ? name : `${name}__`;
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
  let text = "";
  try {
    const response = await api.fetchApi(`/userdata/${encodeURIComponent(`${FOLDER}/${suggestion.name}.txt`)}`);
    if (response.ok) text = await response.text();
  } catch {
    return; // the server does not answer; the name stands without its lines
  }
  const lines = text.split(/\r?\n|\r/).map((line) => line.trim());
  const options = lines.filter((line) => line && !line.startsWith("#"));
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
      learn();
      check(ownerOf(target));
    });
    document.addEventListener("input", ({ target }) => target === panel.target && update(), true);
    document.addEventListener("selectionchange", () => panel.isOpen && update());
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.target !== panel.target || !panel.isOpen) return;
        if (event.key === "Escape") dismiss();
        else if (!panel.key(event)) return;
        event.preventDefault();
        event.stopImmediatePropagation(); // the page and the box have uses of their own for these keys
      },
      true,
    );
  },

  nodeCreated(node) {
    for (const widget of node.widgets ?? []) {
      if (widget.element && markOf(node, widget) !== undefined) boxes.set(widget.element, { node, widget });
    }
  },
});
