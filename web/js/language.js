/**
 * What we write in the page, in the page's own language (its setting Comfy.Locale). The English text is the key.
 *
 * locales/<language>/main.json has the texts under "hyponet", and ComfyUI serves them with those of other packs by its
 * own /i18n. They are read from there, since the page of 1.32.9 forgets what packs say in a language when it loads its
 * own texts of it. Where a language or a text of it is missing, and where the server says nothing, all is English.
 */
import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

const OURS = "hyponet"; // the key in main.json

/** @type {Record<string, Record<string, Record<string, string>>>} by language, and by what they are texts of */
let languages = {};

/**
 * A text in the language of the page.
 * @param {"page" | "workflows"} kind what it is a text of: these files, or the workflows that come with the pack
 * @param {string} english
 * @returns {string}
 */
export function textOf(kind, english) {
  const texts = languages[app.extensionManager.setting.get("Comfy.Locale")]?.[kind] ?? {};
  return Object.hasOwn(texts, english) ? texts[english] : english;
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

app.registerExtension({
  name: "hyponet.language",

  async init() {
    try {
      const response = await api.fetchApi("/i18n");
      const packs = response.ok ? await response.json() : {};
      languages = Object.fromEntries(Object.entries(packs).map(([language, texts]) => [language, texts[OURS] ?? {}]));
    } catch {
      languages = {}; // the server does not answer
    }
  },
});
