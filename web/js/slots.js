/**
 * The slots of a template, as rules between slots name them: those that every prompt has and that take one option, as
 * nodes/prompts/drawing/compile.py names them; and their options as far as the page knows them.
 */
import { isText, walk } from "./template_check_names.js";
import { EMPTY, limits } from "./template_count.js";
import { Untold } from "./template_lists.js";
import { CLASS, given, resolved, wordsOf } from "./template_preview.js";
import { read } from "./template_check.js";

/** @typedef {{name: string, options: string[]}} Slot */

const PLAN = "HypoNetPlanDataset";
const MAX_NODES = 1000; // classes that follow one another
const ESCAPED = /[{}$#_\\|]|::/; // what rules would have to write with a backslash

/** The node that a node's input is linked to. */
const before = (node, name) => node.getInputNode?.(node.inputs?.findIndex((input) => input.name === name) ?? -1);

/** The plan that a class goes to. */
function planOf(node) {
  let nodes = [node];
  for (let step = 0; nodes.length && step < MAX_NODES; step += 1) {
    const plan = nodes.find(({ comfyClass }) => comfyClass === PLAN);
    if (plan) return plan;
    nodes = nodes.flatMap((one) => (one.comfyClass === CLASS ? (one.getOutputNodes?.(0) ?? []) : []));
  }
  return null;
}

/** The names of the classes that a plan is made of, as far as nodes of one class each lead to it. @param {any} node */
export function labelsOf(node) {
  const labels = [];
  let one = node.comfyClass === CLASS ? node : before(node, "classes");
  for (let step = 0; one?.comfyClass === CLASS && step < MAX_NODES; step += 1, one = before(one, "previous")) {
    labels.unshift(given(one, "class_name"));
  }
  return labels.filter(Boolean);
}

/**
 * The slots that the rules of a node are about.
 * @param {any} node of the graph: a plan, or a class, whose own template counts before that of its plan
 * @returns {Promise<Slot[]>}
 */
export async function slotsOf(node) {
  const plan = planOf(node);
  const own = given(node, "template");
  const template = own === "" && plan ? given(plan, "template") : own;
  const { nodes } = template ? read(template) : { nodes: null };
  if (!nodes) return []; // also where a link gives the template
  const { resolver } = await resolved(nodes, wordsOf(node));
  const names = namesOf(nodes);
  const slots = [];
  const visit = (parts, scope, prefix) => {
    for (const part of parts) {
      if (part.kind === "assign") {
        const inner = resolver.bind(part, scope, "");
        if (part.isImmediate && inner !== scope) visit(part.value, scope, prefix);
        scope = inner;
      } else if (part.kind === "variable") {
        const binding = resolver.binding(part, scope);
        if (!binding) visit(part.value, scope, prefix);
        else if (!binding.isDrawn) visit(binding.value, binding.scope, `${prefix}${names.get(part)}: `);
      } else if (part.kind !== "text" && !resolver.isConstant(part)) {
        const table = resolver.table(part, scope, "");
        const [low, high] = limits(part, table.size);
        if (low === 1 && high === 1) slots.push({ name: prefix + names.get(part), options: textsOf(table) });
      }
    }
  };
  try {
    visit(nodes, EMPTY, "");
  } catch (error) {
    if (!(error instanceof Untold)) throw error; // a list that is not there: the slots before it are
  }
  return slots;
}

/** The options of a slot that are plain text. */
function textsOf({ rows, isList }) {
  if (isList) return (rows ?? []).map(({ text }) => text);
  const plain = rows.filter(({ text, nodes }) => text || isText(nodes)); // a drawn name, or text
  const texts = plain.map(({ text, nodes }) => text || nodes.map(({ value }) => value).join("").trim());
  return texts.filter((text) => text && !ESCAPED.test(text));
}

/** What each choice point of a text is called there: choice 1, color, color 2, ${x}. */
function namesOf(nodes) {
  const [names, counts] = [new Map(), new Map()];
  for (const node of walk(nodes)) {
    const name = { choice: "choice", wildcard: node.name, variable: `\${${node.name}}` }[node.kind];
    if (!name) continue;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    names.set(node, count > 1 || name === "choice" ? `${name} ${count}` : name);
  }
  return names;
}
