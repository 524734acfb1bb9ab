/**
 * The wildcards as far as the page knows them: the names of all lists and how many options each has, and the lines of
 * those that were read. Names are looked for as nodes/prompts/wildcards/library.py does it, and lines become options as
 * in tables.py and usable.py there.
 */
import { read } from "./template_check.js";
import { isText, walk, within } from "./template_check_names.js";
import { WEIGHT, weightOf } from "./template_check_reader.js";
import { keyOf } from "./wildcard_names.js";

/**
 * @typedef {{text: string, weight: number, nodes: Node[] | null, folder: string}} Row one option of a slot; `nodes`:
 *   null where it is plain
 * @typedef {{rows: Row[] | null, size: number, isExact: boolean, isList: boolean}} Table `rows`: null where the page
 *   cannot read the list, `size`: options that there are at least, `isList`: whether they stand in files
 * @typedef {{plain: number | null, templates: number}} Size as nodes/prompts/wildcards/sizes.py counts it
 */

/** Thrown where nothing can be told: a name that no list has, and what the server would refuse. */
export class Untold extends Error {}

const MARKS = ["{", "}", "$", "__", "\\", "#", "::"]; // a text without any of them is plain
const GLOB = /[*?[]/;
const NO_LETTER = /[^\p{L}\p{N}_/*?[\]]+|_+/gu;
const IN_NAME = /\$\{([\p{L}\p{N}_-]+)\}/gu; // a variable without a default in the name of a wildcard

const isPlain = (text) => !MARKS.some((mark) => text.includes(mark));

/** A name with a dash for everything in it that is no letter or digit. */
const looseKeyOf = (name) => {
  const parts = keyOf(name).split("/");
  return parts.map((part) => part.replace(NO_LETTER, "-").replace(/^-+|-+$/g, "")).join("/");
};

/** Whether nodes can give more than blanks. @param {Node[]} nodes */
export function givesText(nodes) {
  return nodes.some((node) => {
    if (node.kind === "text") return Boolean(node.value.trim());
    if (node.kind === "choice") return node.options.some(({ body, weight }) => weight !== 0 && givesText(body));
    return node.kind !== "assign";
  });
}

/** The variables that nodes use without a default and give no value before. @param {Node[]} nodes */
function freeVariables(nodes, given = new Set(), free = new Set()) {
  for (const node of nodes) {
    if (node.kind === "variable" && given.has(node.name)) continue;
    if (node.kind === "variable" && node.value === null) free.add(node.name);
    if (node.kind === "wildcard") {
      for (const [, name] of node.name.matchAll(IN_NAME)) if (!given.has(name)) free.add(name);
    }
    for (const part of within(node)) freeVariables(part, given, free);
    if (node.kind === "assign") given = new Set([...given, node.name]);
  }
  return free;
}

/** The options of a text file: its lines without blank ones and comment lines. @param {string} text */
export function linesOf(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  return lines.map((line) => line.replace(/^[ \t\v\f]+|[ \t\v\f]+$/g, "")).filter((line) => line && line[0] !== "#");
}

/** Add a name to those of a key. */
const add = (names, key, name) => names.get(key)?.add(name) ?? names.set(key, new Set([name]));

export class Lists {
  /**
   * @param {Map<string, Size | undefined>} sizes of every list by its name; undefined where that is not known
   * @param {Map<string, string>} texts of the lists that were read, by name
   */
  constructor(sizes, texts = new Map()) {
    this.sizes = sizes;
    this.texts = texts;
    this.names = new Map([...sizes.keys()].map((name) => [keyOf(name), name]));
    /** @type {Map<string, Set<string>>[] | null} */
    this.otherNames = null;
    /** @type {Map<string, Row[]>} */
    this.rows = new Map();
    /** @type {Set<string>} the lists that were looked at */
    this.reached = new Set();
  }

  /** Names from their ends, from their loose keys, and from the ends of those; made when first asked for. */
  get others() {
    if (this.otherNames) return this.otherNames;
    this.otherNames = [new Map(), new Map(), new Map()];
    const [ends, loose, looseEnds] = this.otherNames;
    for (const [key, name] of this.names) {
      const looseKey = looseKeyOf(name);
      add(loose, looseKey, name);
      for (const [names, whole] of [[ends, key], [looseEnds, looseKey]]) {
        const parts = whole.split("/");
        for (let at = 1; at < parts.length; at += 1) add(names, parts.slice(at).join("/"), name);
      }
    }
    return this.otherNames;
  }

  /** Take no list for read any more. */
  forget() {
    this.texts.clear();
    this.rows.clear();
  }

  /** The names of the lists that a name stands for. @param {string} name @param {string} folder it is written in */
  find(name, folder) {
    for (const whole of [name, ...(folder ? [`${folder}/${name}`] : [])]) {
      const found = this.names.get(keyOf(whole.trim()));
      if (found !== undefined) return [found];
    }
    if (GLOB.test(name)) return this.matches(name, folder);
    const loose = looseKeyOf(name);
    const keys = [keyOf(name), loose, loose];
    const names = this.others.map((ends, number) => ends.get(keys[number])).find(Boolean);
    if (names?.size !== 1) throw new Untold();
    return [...names];
  }

  /** The names of the lists that a glob matches. */
  matches(name, folder) {
    for (const glob of [name, ...(folder ? [`${folder}/${name}`] : []), `*/${name}`]) {
      const pattern = patternOf(keyOf(glob.trim()));
      const names = [...this.names].filter(([key]) => pattern.test(key)).map(([, one]) => one);
      if (names.length) return names.sort();
    }
    if (!name.startsWith("*/")) throw new Untold();
    return this.find(name.slice(2), folder);
  }

  /**
   * The options of the lists of a name.
   * @param {string} name
   * @param {string} folder of the list that it is written in
   * @param {Set<string>} variables that have a value there
   * @param {string[]} words that are no lists
   * @returns {Table}
   */
  table(name, folder, variables, words) {
    const names = this.find(name, folder);
    names.forEach((one) => this.reached.add(one));
    if (names.every((one) => this.texts.has(one))) return this.tableOfLines(names, variables, words);
    const sizes = names.map((one) => this.sizes.get(one) ?? { plain: null, templates: 0 });
    if (sizes.every(({ plain, templates }) => plain === 0 && !templates)) throw new Untold();
    const isExact = sizes.length === 1 && sizes[0].plain !== null && !sizes[0].templates;
    return { rows: null, size: Math.max(1, ...sizes.map(({ plain }) => plain ?? 1)), isExact, isList: true };
  }

  /** The options of lists that were read, equal ones once. */
  tableOfLines(names, variables, words) {
    let isExact = true;
    const rows = new Map();
    for (const row of names.flatMap((name) => this.rowsOf(name, words))) {
      if (row.isUnknown) isExact = false;
      else if (row.needs.every((need) => variables.has(need))) {
        const before = rows.get(row.text);
        rows.set(row.text, before ? { ...before, weight: before.weight + row.weight } : row);
      }
    }
    if (!rows.size) throw new Untold();
    return { rows: [...rows.values()], size: rows.size, isExact, isList: true };
  }

  /** The lines of a list that can be used, and those of which that is not known. */
  rowsOf(name, words) {
    const id = `${name}\n${words}`;
    if (!this.rows.has(id)) {
      const folder = name.slice(0, Math.max(0, name.lastIndexOf("/")));
      const rows = linesOf(this.texts.get(name)).map((line) => this.row(line, folder, words));
      this.rows.set(id, rows.filter((row) => row?.weight));
    }
    return this.rows.get(id);
  }

  /** One line; null where it is no template, or gives nothing. */
  row(line, folder, words) {
    WEIGHT.lastIndex = 0;
    const written = WEIGHT.exec(line);
    const text = written ? line.slice(written[0].length).trimStart() : line;
    const row = { text, weight: written ? weightOf(written[1]) : 1, nodes: null, folder, needs: [] };
    if (text && isPlain(text)) return row;
    const { nodes, mistake } = read(text);
    if (mistake) return null;
    if (!nodes) return { ...row, isUnknown: true };
    if (!givesText(nodes)) return null;
    for (const node of walk(nodes)) {
      if (node.kind !== "wildcard" || words.includes(keyOf(node.name)) || node.name.includes("$")) continue;
      try {
        this.find(node.name, folder);
      } catch (error) {
        if (!(error instanceof Untold)) throw error;
        return { ...row, isUnknown: true }; // the server may know a second name of a list
      }
    }
    return { ...row, nodes, needs: [...freeVariables(nodes)] };
  }
}

/** What Python's fnmatch makes of a glob. @param {string} glob */
function patternOf(glob) {
  const source = glob.replace(/\[(!?)([^\]]+)\]|[*?]|[^*?[]+|\[/g, (part, not, set) => {
    if (set) return `[${not ? "^" : ""}${set.replace(/[\\^[\]]/g, "\\$&")}]`;
    return { "*": ".*", "?": "." }[part] ?? part.replace(/[\\^$.|?*+()[\]{}/-]/g, "\\$&");
  });
  try {
    return new RegExp(`^(?:${source})$`, "su");
  } catch {
    throw new Untold();
  }
}
