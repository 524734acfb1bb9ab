/**
 * Which wildcard is being typed in a text, and which names of lists go on from what is typed of it.
 */

/**
 * @typedef {{start: number, end: number, typed: string}} Place of a name in a text, and what of it stands before the
 *   caret
 * @typedef {{name: string, kind: string, lists?: number, options?: number, insert?: string}} Suggestion `kind`: "own",
 *   "word", "folder" or "list" (offers.js has others); `lists`: in a folder; `options`: of a list, if that is known
 */

const MOST = 50; // suggestions at a time
const WITHIN = String.raw`\$?\{(?:[^{}\n]|\{[^{}\n]*\})*\}|\([^()\n]*\)`; // a variable or choice in a name, its values
// a character that was escaped, or two underscores, the sampler of another pack, what may stand in a name, and its end
const WILDCARD = new RegExp(
  String.raw`\\[{}|$_#\\~@!:]|__[~@!]?((?:[^_\n{}#$()|"<>]|_(?!_)|${WITHIN})*)(__)?`,
  "g",
);
const REST = /^(?:[\p{L}\p{N}/.-]|_(?!_))*__/u; // of a name that the caret stands in
const NEXT = /^__[~@!]?[\p{L}\p{N}](?:[^_\n{}#$()|"<>]|_(?!_))*__/u; // a wildcard that begins at the caret
const WRITABLE = /^(?![\s_])(?:[^_\n{}#$()|"<>]|_(?!_)){1,200}(?<![\s_])$/u;

/** How names are compared. @param {string} name */
export const keyOf = (name) => name.normalize("NFC").toLowerCase().replaceAll("\\", "/");

/** How what is typed is looked for in a name: a syllable of Korean that is still being typed begins the whole one. */
export const lettersOf = (name) => keyOf(name).normalize("NFKD");

/**
 * Where the wildcard is that is being typed at the caret; null where none is.
 * @param {string} text
 * @param {number} caret
 * @returns {Place | null}
 */
export function placeOf(text, caret) {
  const start = text.lastIndexOf("\n", caret - 1) + 1;
  const last = [...text.slice(start, caret).matchAll(WILDCARD)].at(-1);
  if (last?.[1] === undefined || last[2] || start + last.index + last[0].length !== caret) return null;
  const after = text.slice(caret).split("\n", 1)[0];
  const isNext = NEXT.test(after) && after.split("__").length % 2 === 1; // underscores in pairs: none close this name
  const rest = isNext ? "" : (REST.exec(after)?.[0] ?? "");
  return { start: caret - last[1].length, end: caret + rest.length, typed: last[1] };
}

/** The names of all lists, made ready to be looked through. */
export class Names {
  /**
   * @param {string[]} names
   * @param {Map<string, number>} options how many each has, by name
   */
  constructor(names, options = new Map()) {
    const writable = names.filter((name) => WRITABLE.test(name));
    this.lists = writable.map((name) => {
      return { name, key: keyOf(name), letters: lettersOf(name), options: options.get(name) };
    });
  }

  /**
   * What goes on from what is typed: the user's own lists, words of the class, sub-folders, the lists of that folder,
   * and last those that have it anywhere in their name.
   * @param {string} typed
   * @param {Set<string>} own names of the user's own lists
   * @param {string[]} words that stand for something else than a list
   * @returns {Suggestion[]}
   */
  suggest(typed, own = new Set(), words = []) {
    const [key, letters] = [keyOf(typed), lettersOf(typed)];
    const depth = key.lastIndexOf("/") + 1;
    /** @type {Map<string, Suggestion>} */
    const folders = new Map();
    /** @type {Suggestion[][]} */
    const [mine, here, begun, others] = [[], [], [], []];
    for (const list of this.lists) {
      const at = list.letters.indexOf(letters);
      if (at < 0) continue;
      const { name, options } = list;
      const end = name.indexOf("/", depth) + 1;
      if (own.has(name)) mine.push({ name, kind: "own", options });
      else if (at > 0 && list.letters[at - 1] === "/") begun.push({ name, kind: "list", options });
      else if (at > 0) others.push({ name, kind: "list", options });
      else if (!end) here.push({ name, kind: "list", options });
      else {
        const folder = list.key.slice(0, end);
        const lists = (folders.get(folder)?.lists ?? 0) + 1;
        folders.set(folder, { name: name.slice(0, end), kind: "folder", lists });
      }
    }
    const reserved = words.filter((word) => word.startsWith(key)).map((name) => ({ name, kind: "word" }));
    const found = [...mine, ...reserved, ...folders.values(), ...here, ...(key ? [...begun, ...others] : [])];
    return found.slice(0, MOST);
  }
}
