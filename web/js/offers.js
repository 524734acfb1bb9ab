/**
 * What could stand at the caret: a wildcard behind two underscores, a variable behind ${, and in a box of rules a slot,
 * an option, a class or a word of the rule. The syntax of a rule is that of nodes/prompts/language/rules.py.
 */
import { keyOf, lettersOf, placeOf } from "./wildcard_names.js";

/**
 * @typedef {{start: number, end: number, suggestions: Suggestion[]}} Offer what may take the place of the text between;
 *   each suggestion has what it puts there as `insert`
 */

const MOST = 50; // suggestions at a time
const USE = /(?<!\\)\$\{\s*([\p{L}\p{N}_-]*)$/u;
const ASSIGNED = /(?<!\\)\$\{\s*((?!\p{Nd})[\p{L}\p{N}_][\p{L}\p{N}_-]*)\s*\??=/gu;
const REST = /^[\p{L}\p{N}_-]*\}?/u;
const TARGETS = /^(?:.*?:\s*|\s*)(?:not|only)\s+/i;
const LINK = /^\s*\S.*?\s+with\s+/i;
const KIND = /^.*:\s*/;
const ITEM = /(?:"[^"]*"?|\([^()]*\)?|[^,])*$/; // the last one between commas
const SLOT = /^\s*([^"=][^=]*)=\s*/;
const NEW = /(?:[=:,]\s*|(?:^|\s)(?:not|only|with)\s+)$/i; // behind which all are offered

/** The wildcards that go on from what is typed. @returns {Offer | null} */
function wildcards(text, caret, { names, own, words }) {
  const place = placeOf(text, caret);
  if (!place) return null;
  const suggestions = names.suggest(place.typed, own, words);
  const insertOf = ({ name, kind }) => (kind === "folder" ? name : `${name}__`);
  return { ...place, suggestions: suggestions.map((one) => ({ ...one, insert: insertOf(one) })) };
}

/** The variables that have a value before the caret. @returns {Offer | null} */
function variables(text, caret) {
  const before = text.slice(0, caret);
  const typed = USE.exec(before)?.[1];
  if (typed === undefined) return null;
  const names = new Set([...before.matchAll(ASSIGNED)].map(([, name]) => name));
  const suggestions = [...names].filter((name) => name.normalize("NFKD").startsWith(typed.normalize("NFKD")));
  const end = caret + REST.exec(text.slice(caret))[0].length;
  return {
    start: caret - typed.length,
    end,
    suggestions: suggestions.map((name) => ({ name, kind: "variable", insert: `${name}}` })),
  };
}

/** What goes on from what is typed of a template. @returns {Offer | null} */
export const inTemplate = (text, caret, known) => wildcards(text, caret, known) ?? variables(text, caret);

/**
 * What goes on from what is typed of a rule.
 * @param {string} text of all rules
 * @param {number} caret
 * @param {{slots: Slot[], labels: string[]}} known
 * @returns {Offer | null}
 */
export function inRules(text, caret, { slots, labels }) {
  const line = text.slice(text.lastIndexOf("\n", caret - 1) + 1, caret);
  if (line.trimStart().startsWith("#")) return null;
  const targets = TARGETS.exec(line)?.[0];
  const link = targets === undefined ? LINK.exec(line)?.[0] : undefined;
  const kind = targets === undefined && link === undefined ? KIND.exec(line)?.[0] : undefined;
  const part = line.slice((targets ?? link ?? kind ?? "").length);
  const item = kind === undefined && link === undefined ? ITEM.exec(part)[0] : part;
  const slot = link === undefined ? SLOT.exec(item) : null;
  const typed = item.slice(slot?.[0].length ?? 0).trimStart();
  if (!typed && !NEW.test(line)) return null;
  const carried = slot?.[1] ?? slotBefore(part.slice(0, part.length - item.length));
  const found = kind === undefined ? [] : words();
  if (link !== undefined) found.push(...slots.map(({ name }) => offered(nameOf(name, slots), "slot")));
  else if (kind === undefined) {
    if (!slot) found.push(...slots.map(({ name }) => offered(nameOf(name, slots), "slot", "=")));
    found.push(...optionsOf(slots, carried));
    if (targets === undefined && !slot) found.push(...labels.filter(isWritable).map((label) => quoted(label, "label")));
    if (targets === undefined && !slot && part === item) found.push(...words());
  }
  const suggestions = matching(found, typed);
  return { start: caret - typed.length, end: caret, suggestions };
}

const offered = (name, kind, after = "") => ({ name, kind, insert: `${name}${after}` });
const isWritable = (name) => !name.includes('"');
/** An option or a class, in quotes where a rule would read it as several or as a slot's. */
const quoted = (name, kind) => ({ name, kind, insert: /[,=]/.test(name) ? `"${name}"` : name });
const words = () => ["not", "only"].map((name) => offered(name, "rule", " "));

/** The slot that an earlier option names, which holds for those after it too. */
function slotBefore(items) {
  const slots = items.split(",").map((item) => SLOT.exec(item)?.[1]);
  return slots.filter(Boolean).at(-1) ?? "";
}

const bareKey = (name) => keyOf(name.trim().replace(/^_+|_+$/g, ""));

/** Whether a slot is called so, whole or without its folder. */
const isCalled = (slot, name) => [keyOf(slot), keyOf(slot).split("/").at(-1)].includes(bareKey(name));

/** How a rule may call a slot: without its folder, where just one is called so. */
function nameOf(name, slots) {
  const bare = name.split("/").at(-1);
  return slots.filter((slot) => isCalled(slot.name, bare)).length === 1 ? bare : name;
}

function optionsOf(slots, name) {
  const named = slots.filter((slot) => !name || isCalled(slot.name, name));
  const texts = new Set(named.flatMap(({ options }) => options).filter(isWritable));
  return [...texts].map((text) => quoted(text, "option"));
}

/** Those that begin with what is typed, then those that have it anywhere; none where it is whole already. */
function matching(found, typed) {
  const key = lettersOf(typed.replace(/^"/, ""));
  const keys = new Map(found.map((one) => [one, lettersOf(one.name)]));
  if (found.some((one) => keys.get(one) === key && one.insert === one.name)) return [];
  const begun = found.filter((one) => keys.get(one).startsWith(key));
  const others = key ? found.filter((one) => keys.get(one).indexOf(key) > 0) : [];
  return [...begun, ...others].slice(0, MOST);
}
