/**
 * Texts with places for values: "{number} images of {words}" is what "12 images of cat" reads as. Where such a text is
 * translated, the values stay letter by letter. The name of a place says what stands in it:
 *
 *   number, number2 ...  digits with their signs
 *   text ...             a text that is translated itself
 *   parts ...            several of them, between semicolons
 *   list ...             several of them, between commas; those that are texts in a list alone begin with ", "
 *   choice_<input>       a choice of the combo box of that name
 *   any other name       whatever stands there
 */

/**
 * @typedef {{pattern: RegExp, names: string[], translation: string, letters: number}} Pattern
 * @typedef {(name: string, value: string) => string} Fill what to write for the value at a place
 */

const PLACE = /\{(\w+)\}/;
const NUMBER = "[-+]?\\d[\\d,]*(?:\\.\\d+)?(?:e[-+]?\\d+)?";
const FIRST = 1000; // letters more than a text has: one that begins with words of its own goes before all others
const LONGEST = 1000; // letters of a text that is looked through for a place in front: the time is their square
const SENTENCES = /(?<=\.) (?=[A-Z0-9*])/;
const WITHIN_ONE = "((?:(?!\\. [A-Z0-9*]).)+?)"; // what stands first in a sentence

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** @type {WeakMap<Record<string, string>, Pattern[]>} */
const compiled = new WeakMap();

/**
 * Those of some texts that have places: those that begin with letters of their own, then by the number of these.
 * @param {Record<string, string>} texts translations by the English
 */
function patternsOf(texts) {
  if (!compiled.has(texts)) {
    const patterns = Object.entries(texts).flatMap(([english, translation]) => {
      const parts = english.split(PLACE); // words and names by turns
      if (parts.length === 1) return [];
      const names = parts.filter((_, index) => index % 2);
      const source = parts.map((part, index) => {
        if (index % 2 === 0) return escaped(part);
        if (part.startsWith("number")) return `(${NUMBER})`;
        return index === 1 && !parts[0] ? WITHIN_ONE : "(.+?)";
      });
      const letters = english.length - names.join("{}").length + (parts[0] ? FIRST : 0);
      return [{ pattern: new RegExp(`^${source.join("")}$`), names, translation, letters }];
    });
    compiled.set(
      texts,
      patterns.sort((one, other) => other.letters - one.letters),
    );
  }
  return compiled.get(texts);
}

/** What a text is in translation, its values filled in; undefined where it is none of `texts`. */
function whole(texts, english, fill) {
  if (Object.hasOwn(texts, english)) return texts[english];
  for (const { pattern, names, translation, letters } of patternsOf(texts)) {
    if (letters < FIRST && english.length > LONGEST) break; // this and those that come begin with a place
    const match = pattern.exec(english);
    if (!match) continue;
    const values = Object.fromEntries(names.map((name, index) => [name, fill(name, match[index + 1])]));
    return translation.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
  }
  return undefined;
}

/**
 * A text in translation: as a whole, or else sentence by sentence. What there is no translation of stays.
 * @param {Record<string, string>} texts translations by the English, with the same places
 * @param {string} english
 * @param {(input: string, choice: string) => string} choice a choice of a combo box in translation
 * @returns {string}
 */
export function said(texts, english, choice) {
  const inner = (text) => said(texts, text, choice);
  const listed = (part) => {
    const translation = inner(`, ${part}`);
    return translation === `, ${part}` ? inner(part) : translation.slice(2);
  };
  const fill = (name, value) => {
    if (name.startsWith("text")) return inner(value);
    if (name.startsWith("parts")) return value.split("; ").map(inner).join("; ");
    if (name.startsWith("list")) return value.split(", ").map(listed).join(", ");
    return name.startsWith("choice_") ? choice(name.slice("choice_".length), value) : value;
  };
  const translation = whole(texts, english, fill);
  if (translation !== undefined) return translation;
  const sentences = english.split(SENTENCES);
  return sentences.length === 1 ? english : sentences.map(inner).join(" ");
}
