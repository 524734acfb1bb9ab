/**
 * The pictures of a set, seen inside a node: a click marks one and unmarks it, a double click shows it large.
 *
 * A mark is a number in the widget "selection", and nothing else: it is saved with the workflow, runs without a page,
 * and can be typed.
 */
import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { button, element } from "./elements.js";
import { translated } from "./language.js";
import { view } from "./large_picture.js";
import { MARK_KEYS, isInRange, marked, toggled } from "./marks.js";

const PER_PAGE = 60;
const ALL = ""; // of the list of classes
const HELP = "Click or x: mark. Double click or Enter: large. Run rejects what is marked.";
const NOTHING_YET = "The pictures come here when this node has run; a click then marks what is to be rejected.";

/**
 * @typedef {{number: number, label: string, rank: number, file: string, attempt: number, seed: string, prompt: string,
 *   negative: string, picks: [string, string][], notes: string[]}} Picture
 * @typedef {{subfolder: string, labels: string[], total: number, pictures: Picture[]}} Listing
 */

/**
 * The class and the picture that were looked at, by graph, node and set: undo and another tab make the nodes anew.
 * @type {Map<string, {label: string, current: number}>}
 */
const places = new Map();

/** What is seen in a node: its pictures, and where one is among them. */
export class Sheet {
  /** @param {any} node */
  constructor(node) {
    this.made = node;
    /** @type {Listing} */
    this.listing = { subfolder: "", labels: [], total: 0, pictures: [] };
    this.label = ALL;
    this.current = 0; // index into `shown` of the picture that keys act on
    this.box = element("div", "hyponet-pictures", { role: "region" });
    this.classes = element("select", "", { "aria-label": translated("Class") });
    this.back = button("\u2039", translated("Page before"), () => this.turn(-1));
    this.next = button("\u203a", translated("Page after"), () => this.turn(1));
    this.place = element("span", "place");
    const forget = translated("Forget the marks; the same numbers can be rejected again");
    this.again = button(translated("New round"), forget, () => this.renew());
    this.line = element("p", "line", { role: "status" });
    this.cells = element("div", "cells scrolled", { role: "listbox", "aria-multiselectable": "true" });
    this.cells.setAttribute("aria-label", translated("Pictures of the set"));
    const bar = element("div", "bar");
    bar.append(this.classes, this.back, this.place, this.next, this.again);
    this.box.append(bar, this.line, this.cells);
    this.classes.addEventListener("change", () => this.choose(this.classes.value));
    this.classes.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); // letters choose a class, and open no sidebar
    });
    this.cells.addEventListener("keydown", (event) => this.key(event));
    this.line.textContent = translated(NOTHING_YET);
    this.draw();
  }

  /** The node as it is in the graph now: undo makes it anew, and Nodes 2.0 of 1.32.9 shows the old one's box on. */
  get node() {
    this.graph = this.made.graph ?? this.graph;
    const now = this.graph?.getNodeById(this.made.id);
    return now?.comfyClass === this.made.comfyClass ? now : this.made;
  }

  get selection() {
    return this.node.widgets.find((widget) => widget.name === "selection");
  }

  get text() {
    return String(this.selection.value ?? "");
  }

  /** The key in `places`; the set is in it since new graphs may share an id. */
  get nodeKey() {
    return `${this.node.graph?.id}:${this.node.id}:${this.listing.subfolder}`;
  }

  get shown() {
    return this.listing.pictures.filter((picture) => this.label === ALL || picture.label === this.label);
  }

  get page() {
    return Math.floor(this.current / PER_PAGE);
  }

  /** @param {Listing} listing */
  fill(listing) {
    this.listing = listing;
    Object.assign(this, places.get(this.nodeKey) ?? { label: ALL, current: 0 });
    if (!listing.labels.includes(this.label)) this.label = ALL;
    const all = new Option(translated("all classes"), ALL);
    this.classes.replaceChildren(all, ...listing.labels.map((label) => new Option(label)));
    this.classes.value = this.label;
    this.current = Math.max(0, Math.min(this.current, this.shown.length - 1));
    this.draw();
  }

  choose(label) {
    this.label = label;
    this.current = 0;
    this.draw();
  }

  turn(pages) {
    const first = (this.page + pages) * PER_PAGE;
    if (first < 0 || first >= this.shown.length) return;
    this.current = first;
    this.draw();
  }

  /** Draw the page of cells anew. */
  draw() {
    const { shown, page } = this;
    const pages = Math.max(1, Math.ceil(shown.length / PER_PAGE));
    this.place.textContent = `${page + 1} / ${pages}`;
    this.back.disabled = page === 0;
    this.next.disabled = page === pages - 1;
    this.box.classList.toggle("none", !this.listing.pictures.length);
    const first = page * PER_PAGE;
    this.cells.replaceChildren(...shown.slice(first, first + PER_PAGE).map((one, at) => this.cell(one, first + at)));
    this.drawMarks();
  }

  /** Show which of the cells the text of the widget names. */
  drawMarks() {
    const { pictures, labels, total } = this.listing;
    const numbers = marked(this.text, pictures, labels);
    for (const [at, cell] of [...this.cells.children].entries()) {
      cell.setAttribute("aria-selected", String(numbers.has(Number(cell.dataset.number))));
      cell.tabIndex = this.page * PER_PAGE + at === this.current ? 0 : -1;
    }
    this.again.hidden = !numbers.size;
    if (!pictures.length) return;
    places.set(this.nodeKey, { label: this.label, current: this.current });
    const lines = [translated(HELP)];
    if (numbers.size) lines.unshift(translated("{count} marked.", { count: numbers.size }));
    if (total > pictures.length) {
      const counts = { count: pictures.length, total };
      lines.push(translated("The first {count} of {total}; number the others by hand.", counts));
    }
    this.line.textContent = lines.join(" ");
  }

  /**
   * @param {Picture} picture
   * @param {number} index into `shown`
   */
  cell(picture, index) {
    const cell = element("div", "cell", { role: "option", "data-number": String(picture.number) });
    const caption = element("span", "caption");
    caption.textContent = `${picture.number} ${picture.label}`;
    cell.setAttribute("aria-label", `${caption.textContent}${picture.file ? "" : `, ${translated("rejected")}`}`);
    cell.title = picture.prompt;
    cell.append(picture.file ? this.image(picture) : gone(), caption);
    cell.addEventListener("click", (event) => {
      this.go(index);
      cell.focus({ preventScroll: true });
      if (event.detail > 1) return;
      this.before = this.text;
      this.toggle(picture);
    });
    cell.addEventListener("dblclick", () => {
      if (this.text !== this.before) this.write(this.before); // the first of the two clicks has marked or unmarked it
      this.open(index);
    });
    return cell;
  }

  /** @param {Picture} picture */
  image(picture) {
    const image = element("img", "", { alt: picture.prompt, loading: "lazy", draggable: "false" });
    image.src = this.address(picture);
    return image;
  }

  /** The attempt is in it so that the browser does not show the picture that was there before. */
  address({ file, attempt }) {
    const [folder, filename] = file.split("/");
    const subfolder = `${this.listing.subfolder}/${folder}`;
    return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type: "output", attempt })}`);
  }

  /** Whether one of these widgets gets its value from another node; the line then says so. */
  isLinked(...names) {
    const linked = this.node.inputs?.find((input) => names.includes(input.widget?.name) && input.link != null);
    if (linked) {
      const name = linked.label ?? linked.localized_name ?? linked.name; // as the page shows it
      this.line.textContent = translated("The {name} comes from another node; change it there.", { name });
    }
    return linked !== undefined;
  }

  /** Mark a picture, or unmark it. */
  toggle(picture) {
    if (this.isLinked("selection")) return;
    const { pictures, labels, total } = this.listing;
    if (!picture.file && !marked(this.text, [picture], labels).size) return; // there is nothing to reject
    if (total > pictures.length && isInRange(this.text, picture, labels)) {
      this.line.textContent = translated(
        "Picture {number} is marked by a range or a class, which may reach beyond the {count} pictures here; " +
          "change the text of the selection.",
        { number: picture.number, count: pictures.length },
      );
      return;
    }
    this.write(toggled(this.text, picture, pictures, labels));
  }

  /** The widget takes the text as if it had been typed. */
  write(text) {
    this.selection.value = text;
    this.selection.callback?.(text);
    const tracker = app.extensionManager.workflow.activeWorkflow?.changeTracker;
    (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker); // so that it can be undone, and is kept
    this.drawMarks();
  }

  /** The next round: nothing is marked, and what was rejected can be rejected again. */
  renew() {
    if (this.isLinked("selection", "round")) return;
    const round = this.node.widgets.find((widget) => widget.name === "round");
    round.value += 1;
    round.callback?.(round.value);
    this.write("");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.shown.length) return;
    const columns = getComputedStyle(this.cells).gridTemplateColumns.split(" ").length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    if (event.key in steps) this.go(this.current + steps[event.key]);
    else if (event.key === "PageUp" || event.key === "PageDown") this.turn(event.key === "PageUp" ? -1 : 1);
    else if (event.key === "Home") this.go(0);
    else if (event.key === "End") this.go(this.shown.length - 1);
    else if (MARK_KEYS.has(event.key)) this.toggle(this.shown[this.current]);
    else if (event.key === "Enter") this.open(this.current);
    else return;
    event.preventDefault();
    event.stopPropagation(); // the page has uses of its own for these keys
    if (!document.querySelector("dialog.hyponet-large")) this.focus();
  }

  /** Make another picture the current one, where there is one. */
  go(index) {
    if (index < 0 || index >= this.shown.length) return;
    const { page } = this;
    this.current = index;
    if (this.page === page) this.drawMarks();
    else this.draw();
  }

  focus() {
    this.cells.querySelector('[tabindex="0"]')?.focus();
  }

  /** Show a picture large; there the keys do the same. */
  open(index) {
    this.go(index);
    this.large = view({
      picture: () => this.shown[this.current],
      address: (picture) => this.address(picture),
      isMarked: (picture) => marked(this.text, [picture], this.listing.labels).size > 0,
      toggle: (picture) => this.toggle(picture),
      step: (by) => this.go(this.current + by),
      closed: () => this.focus(),
    });
  }
}

/** What stands where a picture was. */
function gone() {
  const text = element("span", "gone");
  text.textContent = translated("rejected");
  return text;
}
