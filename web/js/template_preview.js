/**
 * What is said of a template without a mistake: how many combinations it has, and what one draw of it gives. The lists
 * of the user are read for it, by /userdata; of the others the page knows how many options they have.
 */
import { known, textOfList } from "./known_lists.js";
import { translated } from "./language.js";
import { isText } from "./template_check_names.js";
import { Resolver } from "./template_count.js";
import { draw } from "./template_draw.js";

export const CLASS = "HypoNetDefineClass";
export const PROMPT = "HypoNetDynamicPrompt"; // has no class
const MAX_BYTES = 500_000; // of a list that is read; a judgement
const MAX_ROUNDS = 5; // of reading: lists that name others
const UNKNOWN = { name: null, hypernym: null, list: null };

/** What a widget of a node holds; null where a link or nothing gives it. */
export function given(node, name) {
  const isLinked = node.inputs?.some((input) => input.name === name && input.link != null);
  const value = node.widgets?.find((widget) => widget.name === name)?.value;
  return isLinked || value === undefined ? null : String(value).trim();
}

/** The words of the class that a node's template is of, as far as its own widgets have them. */
export function wordsOf(node) {
  if (node.comfyClass === PROMPT) return null;
  if (node.comfyClass !== CLASS) return UNKNOWN;
  const isLinked = node.inputs?.some(({ name, link }) => name === "hyponyms" && link != null);
  const name = given(node, "class_name") || null;
  const hypernym = given(node, "hypernym");
  const list = given(node, "hyponym_wildcard")?.replace(/^_+|_+$/g, "") ?? null;
  if (isLinked) return { name, hypernym: hypernym || null, list: null };
  return { name, hypernym: hypernym === "" ? name : hypernym, list };
}

/** A number as people read it: all digits up to a quadrillion. @param {bigint} count */
function written(count) {
  if (count < 10n ** 15n) return count.toLocaleString("en-US");
  const digits = String(count);
  return `${digits[0]}.${digits.slice(1, 3)}e${digits.length - 1}`;
}

/**
 * What is said of a template, and what draws from it; null where that is nothing.
 * @param {Node[]} nodes
 * @param {any} node of the graph
 * @param {string} widget its name
 * @returns {Promise<{count: string, again: (() => string) | null} | null>}
 */
export async function preview(nodes, node, widget) {
  if (isText(nodes) || given(node, "omit")) return null; // it is what it says, or another one is meant
  const { resolver, found } = await resolved(nodes, wordsOf(node));
  if (!found) return null;
  const number = written(found.count);
  const count = found.isExact ? number : translated("at least {count}", { count: number });
  const hasRules = widget === "template" && Boolean(given(node, "rules"));
  if (hasRules) return { count: translated("Combinations before the rules: {count}", { count }), again: null };
  return { count: translated("Combinations: {count}", { count }), again: () => draw(nodes, resolver) };
}

/**
 * The names of a template and its combinations, once the lists are read that it needs.
 * @param {Node[]} nodes
 * @param {Words | null} words of its class
 */
export async function resolved(nodes, words) {
  const { lists, own } = known;
  for (let round = 0; ; round += 1) {
    lists.reached.clear();
    const resolver = new Resolver(lists, words);
    const found = resolver.combinations(nodes);
    const missing = [...lists.reached].filter((name) => !lists.texts.has(name) && own.get(name) < MAX_BYTES);
    if (!missing.length || round === MAX_ROUNDS) return { resolver, found };
    const texts = await Promise.all(missing.map(textOfList));
    for (const [index, text] of texts.entries()) {
      if (text === null) own.set(missing[index], Infinity); // it cannot be read
      else lists.texts.set(missing[index], text);
    }
  }
}
