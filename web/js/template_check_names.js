/**
 * Names of wildcards that are drawn, as nodes/prompts/language/drawn_names.py reads them: both kinds become choices
 * whose options have plain names, so that what counts and draws need not know of them. Where the lines of a list are
 * asked for, only the server knows.
 */
import { strip } from "./template_check_reader.js";

/**
 * @typedef {{kind: "text", value: string}} Text
 * @typedef {{body: Node[], weight: number | null, label?: string}} Option `weight`: null where none is written
 * @typedef {{kind: "choice", options: Option[], low: number, high: number | null, separator: string,
 *   isDrawnName?: boolean}} Choice
 * @typedef {{kind: "wildcard", name: string, values: Assign[]}} Wildcard
 * @typedef {{kind: "variable", name: string, value: Node[] | null, part: string}} Variable `value`: its default;
 *   `part`: "before" or "after" the dots of what wraps a text, "" for all of it
 * @typedef {{kind: "assign", name: string, value: Node[], isImmediate: boolean, isKept: boolean}} Assign
 * @typedef {Text | Choice | Wildcard | Variable | Assign} Node
 * @typedef {{text: string, weight: number | null}} Name
 */

export const MAX_NAMES = 1000; // of one wildcard with braces in its name, or of one variable
const ONE = { low: 1, high: 1, separator: "," };

/** Thrown where the answer depends on the lists of the server. */
export class Undecided extends Error {}

/** Whether nodes are text alone. @param {Node[]} nodes */
export const isText = (nodes) => nodes.every(({ kind }) => kind === "text");

/** Whether a choice takes just one option. @param {{low?: number, high?: number | null}} node */
export const isOne = ({ low, high }) => low === 1 && high === 1;

/** The templates within a node. @param {Node} node @returns {Node[][]} */
export function within(node) {
  if (node.kind === "choice") return node.options.map(({ body }) => body);
  if (node.kind === "wildcard") return node.values.map(({ value }) => value);
  if (node.kind === "assign") return [node.value];
  return node.kind === "variable" && node.value ? [node.value] : [];
}

/** Every node once, those within others too, in the order in which they are written. @param {Node[]} nodes */
export function* walk(nodes, visited = new Set()) {
  for (const node of nodes) {
    if (visited.has(node)) continue; // what follows a drawn name is shared by its options
    visited.add(node);
    yield node;
    for (const inner of within(node)) yield* walk(inner, visited);
  }
}

const product = (first, second) => (first === null || second === null ? (first ?? second) : first * second);

/**
 * Every text that texts and choices of texts can give; null where others are among them.
 * @param {Node[]} nodes
 * @returns {Name[] | null}
 */
export function namesOf(nodes) {
  /** @type {Name[]} */
  let names = [{ text: "", weight: null }];
  for (const node of nodes) {
    const options = optionsOf(node);
    if (!options || names.length * options.length > MAX_NAMES) return null;
    names = names.flatMap((before) =>
      options.map(({ text, weight }) => ({ text: before.text + text, weight: product(before.weight, weight) })),
    );
  }
  return names;
}

/** @param {Node} node */
function optionsOf(node) {
  if (node.kind === "text") return [{ text: node.value, weight: null }];
  if (node.kind === "wildcard" && !node.values.length && !node.name.includes("$")) throw new Undecided();
  if (node.kind !== "choice" || !isOne(node)) return null;
  /** @type {Name[]} */
  const options = [];
  for (const option of node.options) {
    const inner = namesOf(option.body);
    if (!inner || (inner.length > 1 && node.options.length > 1)) return null;
    options.push(...inner.map(({ text, weight }) => ({ text: strip(text), weight: product(weight, option.weight) })));
  }
  return options;
}

/** The choice between a wildcard under each of the names. @param {Name[]} names @param {Wildcard} wildcard */
export function choiceOfWildcards(names, wildcard) {
  const options = names.map(({ text, weight }) => ({ body: [{ ...wildcard, name: text }], weight, label: text }));
  return { kind: "choice", options, ...ONE };
}

/**
 * Nodes with plain names for the wildcards whose name has a variable that is drawn. What follows a variable drawn once
 * stands within its options; one drawn at each use becomes a choice of wildcards at each.
 * @param {Node[]} nodes
 * @returns {Node[]}
 */
export function withDrawnNames(nodes) {
  for (const [index, node] of nodes.entries()) {
    if (node.kind !== "assign" || node.isKept || isText(node.value)) continue;
    const following = nodes.slice(index + 1);
    const use = new RegExp(String.raw`\$\{${node.name}(?::[^{}]*)?\}`, "gu");
    if (![...walk(following)].some((one) => one.kind === "wildcard" && one.name.search(use) >= 0)) continue;
    const names = namesOf(node.value);
    if (!names) continue; // the server says that the name is not plain
    if (!node.isImmediate) {
      const rest = drawnAtEachUse(following, node.name, use, names);
      return [...nodes.slice(0, index + 1), ...withDrawnNames(rest)];
    }
    const rest = withDrawnNames(following);
    const options = names.map(({ text, weight }) => {
      const value = text ? [{ kind: "text", value: text }] : [];
      return { body: [{ ...node, value, isImmediate: false }, ...rest], weight, label: text };
    });
    return [...nodes.slice(0, index), { kind: "choice", options, ...ONE, isDrawnName: true }];
  }
  return nodes;
}

/** Nodes with a choice for each wildcard that has the variable in its name, up to where that is set anew. */
function drawnAtEachUse(nodes, variable, use, names) {
  const result = [];
  for (const [index, node] of nodes.entries()) {
    const inner = (part) => drawnAtEachUse(part, variable, use, names);
    if (node.kind === "wildcard" && node.name.search(use) >= 0) {
      const places = names.map(({ text, weight }) => ({ text: node.name.replace(use, () => text), weight }));
      result.push(choiceOfWildcards(places, node));
    } else if (node.kind === "choice") {
      result.push({ ...node, options: node.options.map((option) => ({ ...option, body: inner(option.body) })) });
    } else if (node.kind === "assign") {
      result.push({ ...node, value: inner(node.value) });
      if (node.name === variable && !node.isKept) return [...result, ...nodes.slice(index + 1)];
    } else result.push(node);
  }
  return result;
}
