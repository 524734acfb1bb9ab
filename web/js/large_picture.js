/**
 * One picture of a set over the page, with its prompt, what was picked for it and its seed.
 *
 * Arrows go on, x and space mark, Escape closes.
 */
import { answerTexts, translated } from "./language.js";
import { MARK_KEYS } from "./marks.js";

/**
 * @param {{picture: () => any, address: (picture: any) => string, isMarked: (picture: any) => boolean,
 *   toggle: (picture: any) => void, step: (by: number) => void, closed: () => void}} sheet
 * @returns {HTMLDialogElement}
 */
export function view(sheet) {
  const dialog = document.createElement("dialog");
  dialog.className = "hyponet-large";
  dialog.tabIndex = -1;
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation(); // behind it, the page has uses of its own for keys
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.target instanceof HTMLButtonElement) return; // presses the button
    if (event.key === "ArrowLeft" || event.key === "ArrowUp") sheet.step(-1);
    else if (event.key === "ArrowRight" || event.key === "ArrowDown") sheet.step(1);
    else if (MARK_KEYS.has(event.key)) sheet.toggle(sheet.picture());
    else return;
    event.preventDefault();
    draw(dialog, sheet);
    dialog.focus(); // a button that had it is gone
  });
  dialog.addEventListener("copy", (event) => event.stopPropagation());
  let pressedBeside = false; // so that a selection of text may end beside it
  dialog.addEventListener("pointerdown", (event) => {
    pressedBeside = isBeside(dialog, event);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && pressedBeside && isBeside(dialog, event)) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    sheet.closed();
  });
  draw(dialog, sheet);
  document.body.append(dialog);
  dialog.showModal();
  dialog.focus();
  return dialog;
}

/** Whether a pointer is beside the dialog: what is there belongs to it as well. */
function isBeside(dialog, { clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

function draw(dialog, sheet) {
  const picture = sheet.picture();
  const marked = sheet.isMarked(picture);
  dialog.classList.toggle("marked", marked);
  const { number, label } = picture;
  dialog.setAttribute("aria-label", translated("Picture {number}, {label}", { number, label }));
  const image = document.createElement("img");
  image.alt = picture.prompt;
  if (picture.file) image.src = sheet.address(picture);
  const facts = document.createElement("dl");
  const add = (name, text) => {
    if (!text) return;
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = name;
    value.textContent = text;
    facts.append(term, value);
  };
  add(translated("number"), `${number}, ${label} ${picture.rank}`);
  add(translated("prompt"), picture.prompt);
  add(translated("negative"), picture.negative);
  for (const [slot, option] of picture.picks) add(slot, option);
  add(translated("seed"), picture.seed);
  add(translated("attempt"), picture.attempt ? String(picture.attempt + 1) : "");
  for (const note of picture.notes) add(translated("note"), answerTexts(false).line(note));
  if (!picture.file) add(translated("note"), translated("rejected; the next run of Generate Dataset makes another"));
  const buttons = document.createElement("form");
  buttons.method = "dialog";
  const mark = document.createElement("button");
  mark.type = "button";
  mark.disabled = !marked && !picture.file;
  mark.textContent = marked ? translated("Unmark (x)") : translated("Mark (x)");
  mark.addEventListener("click", () => {
    sheet.toggle(sheet.picture());
    draw(dialog, sheet);
    dialog.focus();
  });
  const close = document.createElement("button");
  close.textContent = translated("Close (Esc)");
  buttons.append(mark, close);
  const side = document.createElement("div");
  side.append(facts, buttons);
  dialog.replaceChildren(image, side);
}
