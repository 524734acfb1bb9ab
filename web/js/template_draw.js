/**
 * What one draw of a template gives, as nodes/prompts/drawing/render.py writes it, over what the page knows of the
 * lists: a list that it cannot read stays as its name. Options are drawn by their weights, each apart from the others.
 *
 * Brackets in an option are escaped as in nodes/prompts/language/brackets.py, but no weight is given to a bracket that
 * an option's number ends.
 */
import { EMPTY, limits } from "./template_count.js";
import { keyOf } from "./wildcard_names.js";

const DOTS = /\.{3,}|[\u1801\u2026\u22ee-\u22f1\ufe19]+/; // where a wrapper has what it wraps
const BRACKET = /\\[()]|[()]/g;
const WEIGHTED = /[^\\]:\s*[-+]?(?:\d+\.?\d*|\.\d+)\s*$/;
const CHOICE = "\ufffc"; // stands for what is no text while the brackets around it are looked at

/**
 * A text with backslashes before the brackets that are no weight.
 * @param {string} text an option
 * @param {boolean} emphasis whether a bracket without number may be a weight
 */
export function escaped(text, emphasis) {
  const literal = new Set(); // offsets of the brackets that are text
  const opened = [];
  for (const { 0: bracket, index } of text.matchAll(BRACKET)) {
    if (bracket === "(") opened.push(index);
    if (bracket !== ")") continue;
    const start = opened.pop();
    if (start === undefined) literal.add(index);
    else if (!isWeight(text, start, index, emphasis)) literal.add(start).add(index);
  }
  for (const index of opened) literal.add(index);
  return text.replace(/[()]/g, (bracket, index) => (literal.has(index) ? `\\${bracket}` : bracket));
}

function isWeight(text, start, end, emphasis) {
  if (WEIGHTED.test(text.slice(start + 1, end))) return true;
  return emphasis && ["", ","].includes(text.slice(0, start).replace(/[ (]+$/, "").slice(-1));
}

/** The nodes of an option out of a list, its brackets escaped, also where a choice stands between the two. */
function withBracketsEscaped(nodes) {
  const whole = nodes.map((node) => (node.kind === "text" ? node.value : CHOICE)).join("");
  if (!/[()]/.test(whole)) return nodes;
  const texts = escaped(whole, true).split(CHOICE);
  const filled = nodes.filter(({ kind }, index) => kind !== "text" || !index || nodes[index - 1].kind !== "text");
  let choices = 0;
  return filled.map((node) => {
    if (node.kind === "text") return { ...node, value: texts[choices] };
    choices += 1;
    return node;
  });
}

/** A text, or what stands before or after the first dots in it; without any all of it stands before. */
function partOf(text, part) {
  if (!part) return text;
  const dots = DOTS.exec(text);
  if (!dots) return part === "before" ? text : "";
  return part === "before" ? text.slice(0, dots.index) : text.slice(dots.index + dots[0].length);
}

/** One of some options by their weights. @param {Row[]} rows @param {() => number} random */
function picked(rows, random) {
  let left = random() * rows.reduce((total, { weight }) => total + weight, 0);
  return rows.find(({ weight }) => (left -= weight) < 0) ?? rows.at(-1);
}

/**
 * One draw. Call it where the template's combinations could be counted: then all that it needs is there.
 * @param {Node[]} nodes
 * @param {Resolver} resolver of template_count.js
 * @param {() => number} random from 0 to below 1
 */
export function draw(nodes, resolver, random = Math.random) {
  return new Drawing(resolver, random).write(nodes, EMPTY, "");
}

class Drawing {
  constructor(resolver, random) {
    this.resolver = resolver;
    this.random = random;
    /** @type {Map<number, string>} what variables have drawn, by the number of their binding */
    this.texts = new Map();
  }

  write(nodes, scope, folder) {
    const pieces = [];
    for (const node of nodes) {
      if (node.kind !== "assign") {
        pieces.push(this.piece(node, scope, folder));
        continue;
      }
      const inner = this.resolver.bind(node, scope, folder);
      if (node.isImmediate && inner !== scope) {
        this.texts.set(inner.values.get(node.name).number, this.write(node.value, scope, folder));
      }
      scope = inner;
    }
    return pieces.join("");
  }

  piece(node, scope, folder) {
    if (node.kind === "text") return node.value;
    if (node.kind === "variable") {
      const binding = this.resolver.binding(node, scope);
      if (!binding) return this.write(node.value, scope, folder);
      if (binding.isDrawn) return partOf(this.texts.get(binding.number), node.part);
      return this.write(binding.value, binding.scope, binding.folder);
    }
    if (this.resolver.isConstant(node)) {
      const { name, hypernym } = this.resolver.words;
      const word = keyOf(node.name) === "class" ? name : hypernym;
      return word === null ? `__${node.name}__` : escaped(word, false);
    }
    return this.options(node, scope, folder);
  }

  /** The options picked for a choice or a wildcard, its separator between them. */
  options(node, scope, folder) {
    const table = this.resolver.table(node, scope, folder);
    const inner = this.resolver.inner(node, scope, folder);
    const [low, high] = limits(node, table.size);
    const count = low + Math.floor(this.random() * (high - low + 1));
    let rows = table.rows;
    const pieces = [];
    while (pieces.length < count) {
      if (!rows) {
        pieces.push(`__${this.resolver.nameOf(this.resolver.listOf(node), scope)}__`);
        continue;
      }
      const row = picked(rows, this.random);
      rows = rows.filter((one) => one !== row);
      pieces.push(this.option(row, table, inner, this.resolver.listOf(node)));
    }
    return pieces.join(node.separator ?? "");
  }

  option({ text, nodes, folder }, { isList }, scope, wildcard) {
    if (!nodes) return escaped(text, !this.isHyponym(wildcard));
    return this.write(isList ? withBracketsEscaped(nodes) : nodes, scope, folder);
  }

  /** Whether a wildcard stands for the class's hyponyms, whose brackets are text. */
  isHyponym({ name }) {
    return this.resolver.words !== null && keyOf(name) === "hyponym";
  }
}
