/**
 * What is shown under a box in which a template is typed: its mistake, or what it gives, and the names that could stand
 * at the caret.
 *
 * One panel for all boxes, over the page, so that neither renderer has to make room for it. The box keeps the focus and
 * is a combobox while names are shown; without names it is the plain text box that it was.
 */
import { button, element } from "./elements.js";
import { translated } from "./language.js";

const LIST = "hyponet-wildcards"; // the id of the list of names
const STATUS = "hyponet-mistake";
const GIVES = "hyponet-gives";
const SAID = ["aria-invalid", "aria-describedby"]; // what a box may have while something is said of its text
const OPENED = {
  role: "combobox",
  "aria-autocomplete": "list",
  "aria-haspopup": "listbox",
  "aria-expanded": "true",
  "aria-controls": LIST,
};
const COMBOBOX = [...Object.keys(OPENED), "aria-activedescendant"];

export class Panel {
  /**
   * @param {(suggestion: Suggestion) => void} accept what was chosen; wildcard_names.js says what a suggestion is
   * @param {(suggestion: Suggestion) => void} look at what has become the current one
   */
  constructor(accept, look) {
    this.accept = accept;
    this.look = look;
    /** @type {HTMLTextAreaElement | null} */
    this.target = null;
    /** @type {Suggestion[]} */
    this.suggestions = [];
    this.current = 0;
    this.element = element("div", "hyponet-typing");
    this.status = element("p", "mistake", { id: STATUS, role: "status", "aria-live": "polite" });
    this.list = element("ul", "names", { id: LIST, role: "listbox" });
    this.note = element("p", "note");
    this.gives = element("div", "gives");
    this.count = element("p", "", { id: GIVES, role: "status", "aria-live": "polite" });
    /** @type {(() => string) | null} gives another draw of the template */
    this.again = null;
    this.gives.hidden = true;
    this.element.append(this.list, this.note, this.status, this.gives);
    for (const type of ["pointerdown", "mousedown"]) {
      this.element.addEventListener(type, (event) => event.preventDefault()); // the box keeps the focus
    }
    this.list.hidden = true;
    this.place = this.place.bind(this);
  }

  get isOpen() {
    return this.suggestions.length > 0;
  }

  /** @param {HTMLTextAreaElement} target the box that has the focus */
  enter(target) {
    if (this.target) this.leave();
    this.target = target;
    this.frame = requestAnimationFrame(this.place);
  }

  leave() {
    cancelAnimationFrame(this.frame);
    this.close();
    this.say("");
    this.show(null);
    this.target = null;
  }

  /** On each frame, while a box has the focus: nodes and view move under it. */
  place() {
    if (document.activeElement !== this.target) return this.leave();
    this.frame = requestAnimationFrame(this.place);
    if (!this.isOpen && !this.status.textContent && this.gives.hidden) return;
    const { left, bottom, width } = this.target.getBoundingClientRect();
    const top = Math.max(0, Math.min(bottom + 2, innerHeight - this.element.offsetHeight));
    const style = `left: ${left}px; top: ${top}px; width: ${Math.max(width, 240)}px`;
    if (this.element.getAttribute("style") !== style) this.element.setAttribute("style", style);
  }

  /** Say what is wrong with the text of the box; "" for nothing. @param {string} mistake */
  say(mistake) {
    if (this.status.textContent !== mistake) this.status.textContent = mistake;
    this.describe();
  }

  /**
   * Say how many combinations the template has, and one of them; null for nothing.
   * @param {{count: string, again: (() => string) | null} | null} found
   */
  show(found) {
    this.gives.hidden = !found;
    this.again = found?.again ?? null;
    this.said = found?.count ?? "";
    this.gives.replaceChildren(this.count);
    if (this.again) {
      this.gives.append(button(translated("Another"), translated("Draw another (Alt+Enter)"), () => this.draw()));
    }
    this.draw();
    this.describe();
  }

  /** Another draw of the template. */
  draw() {
    const text = this.again ? `${this.said}. ${translated("One of them: {text}", { text: this.again() })}` : this.said;
    if (this.count.textContent !== text) this.count.textContent = text;
  }

  /** Lead a screen reader from the box to what is said. */
  describe() {
    const wrong = { "aria-invalid": "true", "aria-describedby": STATUS };
    const right = this.gives.hidden ? {} : { "aria-describedby": GIVES };
    setAttributes(this.target, this.status.textContent ? wrong : right, SAID);
  }

  /** @param {Suggestion[]} suggestions */
  open(suggestions) {
    if (!suggestions.length) return this.close();
    this.suggestions = suggestions;
    this.list.replaceChildren(...suggestions.map((suggestion, index) => this.option(suggestion, index)));
    this.list.setAttribute("aria-label", translated("Suggestions"));
    this.list.hidden = false;
    this.go(0);
  }

  close() {
    this.suggestions = [];
    this.list.replaceChildren();
    this.list.hidden = true;
    this.note.textContent = "";
    setAttributes(this.target, {}, COMBOBOX);
  }

  option(suggestion, index) {
    const option = element("li", "", { id: `${LIST}-${index}`, role: "option" });
    const where = element("span", "kind");
    where.textContent = kindOf(suggestion);
    option.append(suggestion.name, where);
    option.addEventListener("click", () => this.accept(this.suggestions[index]));
    return option;
  }

  /** Make another name the current one. @param {number} index */
  go(index) {
    this.current = (index + this.suggestions.length) % this.suggestions.length;
    for (const [at, option] of [...this.list.children].entries()) {
      option.setAttribute("aria-selected", String(at === this.current));
    }
    this.list.children[this.current].scrollIntoView({ block: "nearest" });
    setAttributes(this.target, { ...OPENED, "aria-activedescendant": `${LIST}-${this.current}` }, COMBOBOX);
    this.note.textContent = "";
    this.look(this.suggestions[this.current]);
  }

  /** What is in the list that is the current one. @param {Suggestion} suggestion @param {string} text */
  tell(suggestion, text) {
    if (this.suggestions[this.current]?.name === suggestion.name) this.note.textContent = text;
  }

  /** Whether the list had a use for the key. @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return false;
    if (event.key === "ArrowDown") this.go(this.current + 1);
    else if (event.key === "ArrowUp") this.go(this.current - 1);
    else if (event.key === "Enter" || event.key === "Tab") this.accept(this.suggestions[this.current]);
    else return false;
    return true;
  }
}

/** What stands beside a name. @param {Suggestion} suggestion */
function kindOf({ kind, lists, options }) {
  if (kind === "word") return translated("of the class");
  if (kind === "folder") return translated("{count} lists", { count: lists });
  if (kind === "slot") return translated("slot");
  if (kind === "label") return translated("class");
  if (kind !== "own" && kind !== "list") return "";
  const count = options === undefined ? "" : translated("{count} options", { count: options });
  return [kind === "own" ? translated("yours") : "", count].filter(Boolean).join(" \u00b7 ");
}

/** Give a box those attributes, and take the others of `names` away. */
function setAttributes(target, attributes, names) {
  for (const name of target ? names : []) {
    if (name in attributes) target.setAttribute(name, attributes[name]);
    else target.removeAttribute(name);
  }
}
