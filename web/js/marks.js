/**
 * Which pictures the widget "selection" of Reject Items names, and the text after one more or one less is named.
 *
 * The text is the mark: what is clicked becomes a number in it, and what people type there shows as marked. It is read
 * as nodes/dataset/culling/items.py reads it: numbers and ranges (3, 12-20), ranks of a class (cat: 5), whole classes
 * (cat: *), divided by commas or lines.
 */

/**
 * @typedef {{number: number, label: string, rank: number, file: string}} Picture
 * @typedef {{text: string, isRange: boolean, names: (picture: Picture) => boolean}} Part
 */

const RANGE = "\\d{1,9}(?:[ \\t]*-[ \\t]*\\d{1,9})?";

/** The keys that mark a picture: the blank, and the letter x also where capitals or Korean are typed. */
export const MARK_KEYS = new Set([" ", "x", "X", "\u314c"]);

/**
 * The parts of a text, in order. One that cannot be read names nothing.
 * @param {string} text
 * @param {string[]} labels of the set; they may hold commas and colons themselves
 * @returns {Part[]}
 */
export function parse(text, labels) {
  const sorted = [...labels].sort((one, other) => other.length - one.length);
  const names = sorted.map((label) => label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const pattern = new RegExp(
    `[ \\t-\\r,]*(?:(${names || "(?!)"})[ \\t]*:[ \\t]*(\\*|${RANGE})|(${RANGE})|([^,\\n]+))[ \\t\\r]*(?=[,\\n]|$)`,
    "y",
  );
  /** @type {Part[]} */
  const parts = [];
  while (/[^ \t\r\n,]/.test(text.slice(pattern.lastIndex))) {
    const [, label, ranks, numbers, unread] = pattern.exec(text);
    const range = ranks ?? numbers;
    if (unread !== undefined) {
      parts.push({ text: unread.trim(), isRange: false, names: () => false });
    } else {
      const part = label === undefined ? range : `${label}: ${range}`;
      parts.push({ text: part, isRange: /[*-]/.test(range), names: within(label, range) });
    }
  }
  return parts;
}

/** Whether a picture is in a range of numbers, or of ranks of a class. */
function within(label, range) {
  const [first, last] = range === "*" ? [0, Infinity] : range.split("-").map(Number);
  return (picture) => {
    const value = label === undefined ? picture.number : picture.rank;
    return (label ?? picture.label) === picture.label && first <= value && value <= (last ?? first);
  };
}

/**
 * The numbers of the pictures that a text names.
 * @param {string} text
 * @param {Picture[]} pictures
 * @param {string[]} labels
 * @returns {Set<number>}
 */
export function marked(text, pictures, labels) {
  const parts = parse(text, labels);
  return new Set(pictures.filter((picture) => parts.some((part) => part.names(picture))).map(({ number }) => number));
}

/**
 * Whether a range or a whole class of a text names a picture.
 * @param {string} text
 * @param {Picture} picture
 * @param {string[]} labels
 * @returns {boolean}
 */
export function isInRange(text, picture, labels) {
  return parse(text, labels).some((part) => part.isRange && part.names(picture));
}

/**
 * The text with a picture named that was not, or without one that was; a range or a class that held it becomes the
 * numbers of the others that it named and that have a picture: the node refuses a number without one.
 * @param {string} text
 * @param {Picture} picture
 * @param {Picture[]} pictures
 * @param {string[]} labels
 * @returns {string}
 */
export function toggled(text, picture, pictures, labels) {
  const parts = parse(text, labels);
  const isMarked = parts.some((part) => part.names(picture));
  const texts = parts.flatMap((part) => {
    if (!part.names(picture)) return [part.text];
    const others = pictures.filter((other) => other !== picture && other.file && part.names(other));
    return others.map(({ number }) => String(number));
  });
  if (!isMarked) texts.push(String(picture.number));
  if (texts.every((part) => /^\d+$/.test(part))) texts.sort((one, other) => Number(one) - Number(other));
  return [...new Set(texts)].join(", ");
}
