/**
 * Markdown as our nodes write it, as elements of the page.
 *
 * A small part of the language: headings, lists, tables, fenced code, **bold** and `code`; every other line stands as
 * it is, line by line. Links, pictures and HTML in it stay plain letters: the text may hold what others wrote (lines of
 * wildcard files, names of pictures), so elements are made one by one and text enters by `textContent` alone.
 */

/**
 * @typedef {{kind: "heading", level: number, text: string}
 *   | {kind: "list", items: {depth: number, text: string}[]}
 *   | {kind: "table", head: string[], alignment: string[], rows: string[][]}
 *   | {kind: "code", text: string}
 *   | {kind: "lines", lines: string[]}} Block
 * @typedef {{kind: "text" | "strong" | "code", text: string}} Span
 */

const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^(\s*)[-*]\s+(.*)$/;
const FENCE = /^\s*```/;
const RULE_CELL = /^:?-+:?$/;

/**
 * The blocks of a text, in order.
 * @param {string} text
 * @returns {Block[]}
 */
export function parse(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  /** @type {Block[]} */
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    const heading = HEADING.exec(line);
    if (!line.trim()) {
      at += 1;
    } else if (FENCE.test(line)) {
      let end = at + 1;
      while (end < lines.length && !FENCE.test(lines[end])) end += 1;
      blocks.push({ kind: "code", text: lines.slice(at + 1, end).join("\n") });
      at = end + 1;
    } else if (heading) {
      blocks.push({ kind: "heading", level: heading[1].length, text: heading[2] });
      at += 1;
    } else if (startsTable(lines, at)) {
      const end = endOf(lines, at + 2, (row) => row.includes("|"));
      const head = cells(line);
      const alignment = cells(lines[at + 1]).map(alignmentOf);
      const rows = lines.slice(at + 2, end).map((row) => padded(cells(row), head.length));
      blocks.push({ kind: "table", head, alignment, rows });
      at = end;
    } else if (ITEM.test(line)) {
      const end = endOf(lines, at, (row) => ITEM.test(row));
      const items = lines.slice(at, end).map((row) => {
        const [, indent, content] = ITEM.exec(row);
        return { depth: Math.floor(indent.length / 2), text: content };
      });
      blocks.push({ kind: "list", items });
      at = end;
    } else {
      const isPlain = (row, index) =>
        row.trim() && !HEADING.test(row) && !ITEM.test(row) && !FENCE.test(row) && !startsTable(lines, index);
      const end = Math.max(at + 1, endOf(lines, at, isPlain));
      blocks.push({ kind: "lines", lines: lines.slice(at, end) });
      at = end;
    }
  }
  return blocks;
}

/**
 * The parts of a line: plain, bold, code. Our nodes write `<` as an entity, since other readers take HTML.
 * @param {string} text
 * @returns {Span[]}
 */
export function spans(text) {
  const found = text.split(/(\*\*[^*\s](?:[^*]*[^*\s])?\*\*|`[^`]+`)/).filter((part) => part);
  return found.map((part) => {
    if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) {
      return { kind: "strong", text: unescaped(part.slice(2, -2)) };
    }
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) {
      return { kind: "code", text: unescaped(part.slice(1, -1)) };
    }
    return { kind: "text", text: unescaped(part) };
  });
}

/**
 * The text as elements.
 * @param {string} text
 * @param {{line: (line: string) => string, head: (cells: string[]) => string[], cell: (column: string, cell: string)
 *   => string}} words in which its lines, heads of tables and cells are written; a heading's line has its marks
 * @returns {DocumentFragment}
 */
export function draw(text, words = { line: (line) => line, head: (cells) => cells, cell: (column, cell) => cell }) {
  const fragment = document.createDocumentFragment();
  for (const block of parse(text)) fragment.append(drawn(block, words));
  return fragment;
}

/** @param {Block} block */
function drawn(block, words) {
  if (block.kind === "heading") {
    const heading = words.line(`${"#".repeat(block.level)} ${block.text}`);
    return filled(`h${Math.min(6, block.level + 2)}`, heading.replace(/^#+ /, ""));
  }
  if (block.kind === "code") {
    const code = document.createElement("pre");
    code.textContent = block.text;
    return code;
  }
  if (block.kind === "list") return drawnList(block.items, words);
  if (block.kind === "table") return drawnTable(block, words);
  const paragraph = document.createElement("p");
  block.lines.forEach((line, index) => {
    if (index) paragraph.append(document.createElement("br"));
    paragraph.append(...drawnSpans(words.line(line)));
  });
  if (block.lines.every((line) => line.startsWith("warning: "))) paragraph.className = "warning";
  return paragraph;
}

function drawnList(items, words) {
  const list = document.createElement("ul");
  for (const item of items) {
    const entry = filled("li", words.line(item.text));
    entry.style.marginLeft = `${item.depth}em`;
    list.append(entry);
  }
  return list;
}

function drawnTable({ head, alignment, rows }, words) {
  const table = document.createElement("table");
  const header = table.createTHead().insertRow();
  for (const [column, text] of words.head(head).entries()) {
    const cell = filled("th", text);
    cell.scope = "col";
    cell.style.textAlign = alignment[column] ?? "";
    header.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const [column, text] of row.entries()) {
      const cell = filled("td", words.cell(head[column], text));
      cell.style.textAlign = alignment[column] || (/^[-+]?[\d.,]+ ?%?$/.test(text) ? "right" : "");
      line.append(cell);
    }
  }
  return table;
}

function filled(tag, text) {
  const element = document.createElement(tag);
  element.append(...drawnSpans(text));
  return element;
}

function drawnSpans(text) {
  return spans(text).map((span) => {
    if (span.kind === "text") return document.createTextNode(span.text);
    const element = document.createElement(span.kind);
    element.textContent = span.text;
    return element;
  });
}

/** Whether a table begins at this line: a row, and below it the rule of dashes. */
function startsTable(lines, at) {
  const rule = lines[at + 1];
  return lines[at].includes("|") && rule !== undefined && cells(rule).every((cell) => RULE_CELL.test(cell));
}

/** The index after the last of the lines from `start` on for which `belongs(line, index)` holds. */
function endOf(lines, start, belongs) {
  let end = start;
  while (end < lines.length && belongs(lines[end], end)) end += 1;
  return end;
}

/** The cells of a row, without the bars at its ends; a bar behind a backslash is a letter. */
function cells(row) {
  const inner = row.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

function padded(row, length) {
  return row.concat(Array(Math.max(0, length - row.length)).fill(""));
}

function alignmentOf(cell) {
  if (cell.endsWith(":")) return cell.startsWith(":") ? "center" : "right";
  return cell.startsWith(":") ? "left" : "";
}

function unescaped(text) {
  return text.replace(/\\\|/g, "|").replace(/&lt;/g, "<");
}
