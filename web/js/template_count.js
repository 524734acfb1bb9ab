/**
 * How many different prompts a template has: what its names stand for, and the counts, as in
 * nodes/prompts/drawing/resolve.py and language/counting.py, over what the page knows of the lists. A test compares
 * them.
 */
import { isOne, isText, walk } from "./template_check_names.js";
import { Untold, givesText } from "./template_lists.js";
import { keyOf } from "./wildcard_names.js";

/**
 * @typedef {{name: string, value: Node[], scope: Scope, isDrawn: boolean, folder: string, number: number}} Binding what
 *   a variable stands for: nodes in the scope where they were written, or a text drawn once a prompt
 * @typedef {{values: Map<string, Binding>, key: string}} Scope the variables that a part of a template sees
 * @typedef {{name: string | null, hypernym: string | null, list: string | null}} Words of a class, null where the page
 *   does not know them. `list`: the wildcard with its hyponyms, "" where it has none
 */

const MAX_DEPTH = 60; // files and braces within each other
const MAX_VISITS = 20_000; // parts looked at; a judgement that bounds the time
const MAX_STEPS = 100_000; // additions and products of large numbers, likewise
const IN_NAME = /\$\{([\p{L}\p{N}_-]+)(?::([^{}]*))?\}/gu;
export const RESERVED = ["class", "hypernym", "hyponym"]; // wildcards that stand for the words of a class
export const EMPTY = { values: new Map(), key: "" };

const hasEmptyOption = ({ kind, options }) =>
  kind === "choice" && options.some(({ body }) => body.length && !givesText(body));

const sum = (counts) => counts.reduce((total, count) => total + count, 0n);

export class Resolver {
  /**
   * @param {Lists} lists of template_lists.js
   * @param {Words | null} words of the class; null where a template has none
   */
  constructor(lists, words) {
    this.lists = lists;
    this.words = words;
    this.reserved = words ? RESERVED : [];
    this.isExact = true; // whether nothing that was counted can be more
    this.depth = this.visits = this.steps = 0;
    this.bindings = new Map();
    this.counts = new Map();
    this.tables = new Map();
    this.ids = new Map(); // of nodes, and of what is equal to them
    this.equal = new Map();
  }

  /**
   * The number of a template's different prompts, or the least that it can be; null where nothing can be told.
   * @param {Node[]} nodes
   */
  combinations(nodes) {
    try {
      if (!givesText(nodes) || [...walk(nodes)].some(hasEmptyOption)) return null;
      const count = this.count(nodes, EMPTY, "");
      return { count, isExact: this.isExact };
    } catch (error) {
      if (error instanceof Untold) return null;
      throw error;
    }
  }

  /** A number of its own for each list of nodes. */
  idOf(nodes) {
    if (!this.ids.has(nodes)) this.ids.set(nodes, this.ids.size);
    return this.ids.get(nodes);
  }

  /** A scope with the variable of an assignment added. */
  bind(node, scope, folder) {
    if (node.isKept && scope.values.has(node.name)) return scope;
    const id = `${this.idOf(node)} ${scope.key}`;
    if (!this.bindings.has(id)) {
      const { name, value, isImmediate: isDrawn } = node;
      this.bindings.set(id, { name, value, scope, isDrawn, folder, number: this.bindings.size });
    }
    const values = new Map([...scope.values, [node.name, this.bindings.get(id)]]);
    return { values, key: [...values.values()].map(({ number }) => number).sort((a, b) => a - b).join(" ") };
  }

  /** What a variable stands for; null where its default does. */
  binding(node, scope) {
    const binding = scope.values.get(node.name);
    if (!binding && node.value === null) throw new Untold();
    return binding ?? null;
  }

  /** Whether a wildcard is one word of the class. */
  isConstant({ kind, name }) {
    return kind === "wildcard" && this.words !== null && ["class", "hypernym"].includes(keyOf(name));
  }

  /** The wildcard whose lines a choice picks from, as in {2$$__name__}; null where it has options of its own. */
  listOf(node) {
    if (node.kind === "wildcard") return node;
    const [first, ...others] = node.options;
    const [wildcard, ...more] = first.body;
    const isList = !others.length && !more.length && wildcard?.kind === "wildcard" && !isOne(node);
    return isList && !this.isConstant(wildcard) ? wildcard : null;
  }

  /** The scope of a node's options: a wildcard's own values are added. */
  inner(node, scope, folder) {
    const values = this.listOf(node)?.values ?? [];
    return values.reduce((inner, value) => this.bind(value, inner, folder), scope);
  }

  /** The options of a choice or a wildcard. */
  table(node, scope, folder) {
    const wildcard = this.listOf(node);
    const id = `${this.idOf(node)} ${wildcard ? scope.key : ""} ${folder}`;
    if (!this.tables.has(id)) {
      this.tables.set(id, wildcard ? this.tableOf(wildcard, scope, folder) : this.tableOfChoice(node, folder));
    }
    return this.tables.get(id);
  }

  tableOf(wildcard, scope, folder) {
    const name = this.nameOf(wildcard, scope);
    const variables = new Set([...scope.values.keys(), ...wildcard.values.map((value) => value.name)]);
    if (!this.words || keyOf(name) !== "hyponym") return this.lists.table(name, folder, variables, this.reserved);
    const { name: own, list } = this.words;
    if (list) return this.lists.table(list, "", variables, this.reserved);
    const rows = own !== null && list === "" ? [{ text: own, weight: 1, nodes: null, folder: "" }] : null;
    return { rows, size: 1, isExact: rows !== null, isList: true };
  }

  /** The options in braces, equal ones once; in a selection only equal plain words are. */
  tableOfChoice(node, folder) {
    const rows = new Map();
    for (const [index, { body, weight, label }] of node.options.entries()) {
      if (weight === 0) continue;
      const key = isOne(node) || isText(body) ? (label ?? this.keyOf(body)) : `option ${index}`;
      const total = (rows.get(key)?.weight ?? 0) + (weight ?? 1);
      rows.set(key, rows.get(key) ?? { text: label ?? "", nodes: body, folder });
      rows.get(key).weight = total;
    }
    if (!rows.size) throw new Untold();
    return { rows: [...rows.values()], size: rows.size, isExact: true, isList: false };
  }

  /** What equal nodes have in common: one number for all that say the same. */
  keyOf(nodes) {
    const said = nodes.map((node) => {
      const { kind, value, options, values, ...others } = node;
      const inner = options?.map(({ body, weight }) => [this.keyOf(body), weight]);
      const text = kind === "text" ? value : value && this.keyOf(value);
      return [kind, text, inner, values && this.keyOf(values), Object.entries(others).sort()];
    });
    const text = JSON.stringify(said);
    if (!this.equal.has(text)) this.equal.set(text, this.equal.size);
    return this.equal.get(text);
  }

  /** The name of a wildcard with the text of each variable in it. */
  nameOf(wildcard, scope) {
    return wildcard.name.replace(IN_NAME, (_, name, other) => {
      const binding = scope.values.get(name);
      if (!binding && other !== undefined) return other.trim();
      if (!binding || !isText(binding.value)) throw new Untold();
      return binding.value.map(({ value }) => value).join("").trim();
    });
  }

  /** How many different picks nodes have; 1 where there is nothing to pick. */
  count(nodes, scope, folder) {
    if (!nodes.length) return 1n;
    const id = `${this.idOf(nodes)} ${scope.key}`;
    if (this.counts.has(id)) return this.counts.get(id);
    if (++this.visits > MAX_VISITS || ++this.depth > MAX_DEPTH) throw new Untold();
    let total = 1n;
    let inner = scope;
    for (const node of nodes) {
      if (node.kind !== "assign") total *= this.countNode(node, inner, folder);
      else {
        const outer = inner;
        inner = this.bind(node, outer, folder);
        if (node.isImmediate && inner !== outer) total *= this.count(node.value, outer, folder);
      }
    }
    this.depth -= 1;
    this.counts.set(id, total);
    return total;
  }

  countNode(node, scope, folder) {
    if (node.kind === "text" || this.isConstant(node)) return 1n;
    if (node.kind === "variable") {
      const binding = this.binding(node, scope);
      if (!binding) return this.count(node.value, scope, folder);
      return binding.isDrawn ? 1n : this.count(binding.value, binding.scope, binding.folder);
    }
    const table = this.table(node, scope, folder);
    const counts = this.optionCounts(table, this.inner(node, scope, folder));
    if (!table.isExact) this.isExact = false;
    const [low, high] = limits(node, table.size);
    if (low === 1 && high === 1) return counts ? sum(counts) : BigInt(table.size);
    return this.selections(counts, table.size, low, high);
  }

  /** How many different picks each option has; null where each is one. */
  optionCounts(table, scope) {
    if (!table.rows?.some(({ nodes }) => nodes && !isText(nodes))) return null;
    return table.rows.map(({ nodes, folder }) => (nodes ? this.count(nodes, scope, folder) : 1n));
  }

  /** How many ordered selections there are of `low` to `high` of `size` options. */
  selections(counts, size, low, high) {
    this.steps += (counts ? size : 1) * high;
    if (this.steps > MAX_STEPS || high > 1000) throw new Untold();
    const sums = [1n, ...Array(high).fill(0n)]; // of the products of so many different counts
    if (counts) {
      for (const count of counts) {
        for (let degree = high; degree > 0; degree -= 1) sums[degree] += sums[degree - 1] * count;
      }
    }
    let total = 0n;
    for (let picked = 1, orders = 1n, chosen = 1n; picked <= high; picked += 1) {
      orders *= BigInt(picked);
      chosen *= BigInt(size - picked + 1);
      if (picked >= low) total += counts ? orders * sums[picked] : chosen;
    }
    return low === 0 ? total + 1n : total;
  }
}

/** The least and the most options that a node picks of so many. */
export function limits(node, size) {
  if (node.kind === "wildcard") return [1, 1];
  const high = node.high === null ? size : Math.min(size, node.high);
  return [Math.min(node.low, high), high];
}
