/**
 * Elements of the page, made in one line.
 */

/**
 * @param {string} tag
 * @param {string} className
 * @param {Record<string, string>} attributes
 * @returns {any}
 */
export function element(tag, className = "", attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/**
 * @param {string} text
 * @param {string} label what it does, in words
 * @param {() => void} act
 */
export function button(text, label, act) {
  const made = element("button", "", { type: "button", title: label });
  if (text.length === 1) made.setAttribute("aria-label", label); // an arrow says nothing to a screen reader
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}
