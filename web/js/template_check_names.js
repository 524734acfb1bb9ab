/**
 * Names of wildcards that are drawn, as nodes/prompts/language/drawn_names.py reads them: which texts a name can be,
 * and where the lines of a list are asked for, which only the server knows.
 */
import { strip } from "./template_check_reader.js";

/**
 * @typedef {{kind: "text", value: string}} Text
 * @typedef {{kind: "choice", options: Node[][], isOne: boolean}} Choice
 * @typedef {{kind: "wildcard", name: string, parts: Node[][]}} Wildcard
 * @typedef {{kind: "variable", parts: Node[][]}} Variable
 * @typedef {{kind: "assign", name: string, value: Node[], isImmediate: boolean, isKept: boolean}} Assign
 * @typedef {Text | Choice | Wildcard | Variable | Assign} Node
 */

export const MAX_NAMES = 1000; // of one wildcard with braces in its name, or of one variable

/** Thrown where the answer depends on the lists of the server. */
export class Undecided extends Error {}

/**
 * Every text that texts and choices of texts can give; null where others are among them.
 * @param {Node[]} nodes
 * @returns {string[] | null}
 */
export function namesOf(nodes) {
  let names = [""];
  for (const node of nodes) {
    const options = optionsOf(node);
    if (!options || names.length * options.length > MAX_NAMES) return null;
    names = names.flatMap((before) => options.map((text) => before + text));
  }
  return names;
}

/** @param {Node} node */
function optionsOf(node) {
  if (node.kind === "text") return [node.value];
  if (node.kind === "wildcard" && !node.parts.length && !node.name.includes("$")) throw new Undecided();
  if (node.kind !== "choice" || !node.isOne) return null;
  /** @type {string[]} */
  const options = [];
  for (const body of node.options) {
    const inner = namesOf(body);
    if (!inner || (inner.length > 1 && node.options.length > 1)) return null;
    options.push(...inner.map(strip));
  }
  return options;
}

/**
 * Look at the variables that are drawn and stand in the name of a wildcard behind them. Nothing of it is a mistake, but
 * the server may ask a list for its lines.
 * @param {Node[]} nodes the names in them that are drawn at each use are changed
 */
export function readDrawnNames(nodes) {
  for (const [index, node] of nodes.entries()) {
    if (node.kind !== "assign" || node.isKept || node.value.every(({ kind }) => kind === "text")) continue;
    const following = nodes.slice(index + 1);
    const use = new RegExp(String.raw`\$\{${node.name}(?::[^{}]*)?\}`, "u");
    if (hasUse(following, use) && namesOf(node.value) && !node.isImmediate) nameEachUse(following, node.name, use);
  }
}

/** Whether a wildcard has the variable in its name. */
function hasUse(nodes, use) {
  return nodes.some((node) => {
    if (node.kind === "wildcard" && use.test(node.name)) return true;
    const within = node.parts ?? node.options ?? [node.value];
    return node.kind !== "text" && within.some((part) => hasUse(part, use));
  });
}

/** Take the variable out of the names, up to where it is set anew. */
function nameEachUse(nodes, variable, use) {
  for (const node of nodes) {
    if (node.kind === "wildcard") node.name = node.name.replace(new RegExp(use, "gu"), "");
    else if (node.kind === "choice") for (const body of node.options) nameEachUse(body, variable, use);
    else if (node.kind === "assign") {
      nameEachUse(node.value, variable, use);
      if (node.name === variable && !node.isKept) return;
    }
  }
}
