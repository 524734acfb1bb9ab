/**
 * What the page knows of the wildcards: the names that Load Wildcard lists with the number of options of each
 * (WildcardCombo in nodes/widgets.py), and the user's own lists, which /userdata has.
 */
import { api } from "../../../scripts/api.js";
import { Lists } from "./template_lists.js";
import { Names } from "./wildcard_names.js";

const FOLDER = "hyponet/wildcards"; // of the user's own lists, below their folder

export const known = {
  /** @type {Map<string, number>} the user's own lists, and the bytes of each file */
  own: new Map(),
  names: new Names([]),
  lists: new Lists(new Map()),
};
/** @type {string[]} from which those were made */
let listed = [];
/** @type {Map<string, Size | undefined>} */
let sizes = new Map();

/** The size of each list; undefined where the server has not counted it. */
function sizesOf(names, { hyponet_counts: counts = [], hyponet_templates: templates = {} }) {
  const sizeOf = (name, plain) => (Number.isInteger(plain) ? { plain, templates: templates[name] ?? 0 } : undefined);
  return new Map(names.map((name, index) => [name, sizeOf(name, counts[index])]));
}

function make() {
  const counted = [...sizes].filter(([, size]) => size);
  const counts = counted.map(([name, { plain, templates }]) => [name, plain + templates]);
  known.names = new Names([...sizes.keys()], new Map(counts));
  known.lists = new Lists(sizes);
}

/** Take the names that Load Wildcard lists now, and ask which are the user's own. */
export async function learn() {
  const input = window.LiteGraph.registered_node_types.HypoNetLoadWildcard?.nodeData?.input.required.name;
  const options = (Array.isArray(input?.[0]) ? input[0] : input?.[1]?.options) ?? [];
  if (options !== listed) {
    [listed, sizes] = [options, sizesOf(options, input?.[1] ?? {})];
    make();
  }
  try {
    const query = new URLSearchParams({ dir: FOLDER, recurse: "true", full_info: "true" });
    const response = await api.fetchApi(`/userdata?${query}`);
    const files = response.ok ? await response.json() : [];
    const texts = files.filter(({ path }) => path.endsWith(".txt"));
    known.own = new Map(texts.map(({ path, size }) => [path.slice(0, -".txt".length).normalize("NFC"), size]));
  } catch {
    known.own = new Map(); // the server does not answer: no list stands before others
  }
  const missing = [...known.own.keys()].filter((name) => !sizes.has(name)); // saved since the page was loaded
  for (const name of missing) sizes.set(name, undefined);
  if (missing.length) make();
  known.lists.forget(); // they may have been saved again
}

/** The text of a list of the user; null where it is not to be had, or no UTF-8. @param {string} name */
export async function textOfList(name) {
  try {
    const response = await api.fetchApi(`/userdata/${encodeURIComponent(`${FOLDER}/${name}.txt`)}`);
    const text = response.ok ? await response.text() : null;
    return text?.includes("\ufffd") ? null : text; // only the server reads older encodings
  } catch {
    return null; // the server does not answer
  }
}
