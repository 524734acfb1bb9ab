/**
 * What we write in the page, in the page's own language (its setting Comfy.Locale). The English text is the key.
 *
 * locales/<language>/main.json has the texts under "hyponet", and ComfyUI serves them with those of other packs by its
 * own /i18n. Where a language or a text of it is missing, and where the server says nothing, all is English.
 *
 * Pages before 1.35 take the texts of packs before their own of a language, which then replace them: names of nodes too
 * would stay English. Here they are given them again.
 */
import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { said } from "./patterns.js";

const OURS = "hyponet"; // the key in main.json
const NODES = { page: "KSampler", packs: "HypoNetLoadClassifier" }; // whose names every language has
const PATIENCE = 20_000; // in ms, until the page has its own texts
const STEP = 50; // in ms

/** @type {Record<string, Record<string, Record<string, any>>>} by language, and by what they are texts of */
let languages = {};
let current = ""; // language of the page; kept here, since the canvas asks on each frame for each choice that it draws

const NOTHING = {};
const WRITTEN = /^(?:slot|(?:least|most) picked|the first)$/; // heads of columns with what people have written

/** The texts of a kind in the language of the page, by their English. */
const textsOf = (kind) => languages[current]?.[kind] ?? NOTHING;

const lookUp = (texts, english) => (Object.hasOwn(texts, english) ? texts[english] : english);

/**
 * A text in the language of the page.
 * @param {"page" | "workflows"} kind what it is a text of: these files, or the workflows that come with the pack
 * @param {string} english
 * @returns {string}
 */
export const textOf = (kind, english) => lookUp(textsOf(kind), english);

/**
 * A choice of a combo box in the language of the page.
 * @param {string} input its name in the schema, which means one thing in every node
 * @param {string} english
 * @returns {string}
 */
export const choiceOf = (input, english) => lookUp(textsOf("choices")[input] ?? {}, english);

/**
 * What the server says in a node's answer, line by line and cell by cell, in the language of the page. Names, numbers
 * and what people have written stay letter by letter.
 * @param {boolean} hasFigures whether its lines are figures by their names; where they are counts of classes, a class
 *   may have such a name
 */
export function answerTexts(hasFigures) {
  const texts = textsOf("answers");
  const figures = hasFigures ? textsOf("figures") : NOTHING;
  const lineOf = (line) => {
    const figure = said(figures, line, choiceOf);
    return figure === line ? said(texts, line, choiceOf) : figure;
  };
  return {
    line: lineOf,
    head: (cells) => {
      const inHead = (text) => said(textsOf("tables"), text, choiceOf);
      const row = inHead(cells.join(" | ")).split(" | ");
      const translation = row.length === cells.length ? row : cells;
      return translation.map((cell, column) => (cell === cells[column] ? inHead(cell) : cell)); // in a row of others
    },
    cell: (column, cell) => {
      const own = textsOf("cells")[column] ?? NOTHING;
      const translation = said(own, cell, choiceOf);
      return translation === cell && !WRITTEN.test(column) ? said(texts, cell, choiceOf) : translation;
    },
  };
}

/**
 * What the server says of an error, line by line, in the language of the page.
 * @param {string} english
 * @returns {string}
 */
export function errorText(english) {
  const lines = english.split("\n").map((line) => said(textsOf("errors"), line, choiceOf));
  return lines.join("\n");
}

/**
 * A text that these files write, in the language of the page.
 * @param {string} english with the names of values in braces, as in "{count} marked."
 * @param {Record<string, string | number>} values
 * @returns {string}
 */
export function translated(english, values = {}) {
  return textOf("page", english).replace(/\{(\w+)\}/g, (name, key) => String(values[key] ?? name));
}

/**
 * Give the page the texts of packs in its language once more, where it has lost them. It asks for the names of nodes
 * when all extensions have begun. What a page does not have where it is looked for here stays as it is.
 * @param {Record<string, any>} packs texts by language, as /i18n has them
 */
async function remind(packs) {
  const language = app.extensionManager.setting.get("Comfy.Locale");
  if (!packs[language]?.[OURS]) return;
  const page = document.getElementById("vue-app")?.__vue_app__;
  const i18n = page?._context?.provides[page.__VUE_I18N_SYMBOL__]?.global;
  if (!i18n) return;
  const knows = (node) => i18n.getLocaleMessage(language).nodeDefs?.[node] !== undefined;
  for (let waited = 0; !knows(NODES.page) && waited < PATIENCE; waited += STEP) {
    await new Promise((resolve) => setTimeout(resolve, STEP));
  }
  if (!knows(NODES.packs)) i18n.mergeLocaleMessage(language, packs[language]);
}

app.registerExtension({
  name: "hyponet.language",

  async init() {
    let packs = {};
    try {
      const response = await api.fetchApi("/i18n");
      if (response.ok) packs = await response.json();
    } catch {
      return; // the server does not answer
    }
    languages = Object.fromEntries(Object.entries(packs).map(([language, texts]) => [language, texts[OURS] ?? {}]));
    current = app.extensionManager.setting.get("Comfy.Locale");
    app.ui.settings.addEventListener("Comfy.Locale.change", ({ detail }) => {
      current = detail.value;
    });
    await remind(packs);
  },
});
