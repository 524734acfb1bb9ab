/**
 * The characters of a template, read as nodes/prompts/language/text_reader.py and lookalikes.py read them: text,
 * escapes, comments and blanks, the bounds of a choice, where a wrap ends, and what looks like the language where it is
 * not read. Columns count characters as Python does; offsets are JavaScript's.
 */

const MAX_EXCERPT = 100; // characters of a line that an error quotes
const MAX_INDENT = 200; // blanks before the # of a comment line
const MAX_BEFORE = 20; // characters looked back at for a number
const ESCAPABLE = "{}|$_#\\~@!:";
export const ARGUMENT_ENDS = ",)"; // of a wildcard
const SAMPLER_SIGNS = "~@!";

// what Python's \s, \w and \d are in a text
const S = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const W = String.raw`\p{L}\p{N}_`;
const D = String.raw`\p{Nd}`;

/** A pattern of Python, S, W and D put in. @param {string} source @param {string} flags */
const pattern = (source, flags = "") => new RegExp(source, `u${flags}`);

const RUN = pattern(String.raw`(?:[^{}|$_#\\]|(?<=[^${S}])#)+`, "y");
const RUN_IN_ARGUMENT = pattern(String.raw`(?:[^{}|$_#\\,)]|(?<=[^${S}])#)+`, "y");
const BLANKS = pattern(`[${S}]*`, "y");
const BOUNDS = pattern(String.raw`(${D}{1,6})?(-)?(${D}{1,6})?\$\$`, "y");
const SEPARATOR = pattern(String.raw`([^${"$"}{}]{0,100})\$\$`, "y");
const COUNT_IN = pattern(`${D}+#`);
const WRAP_MARKS = pattern(String.raw`\\.|\$\$|\$\{|[{}]`, "gs");
const NUMBERED = pattern(String.raw`\{[${S}]*[~@!]?[${S}]*[${D} \-]*\$\$`, "y");
const COUNT_BEFORE = pattern(String.raw`${D}+(?:[${S}]*-[${S}]*${D}*)?#$`);
const VALUES_AFTER = pattern(String.raw`\([${S}]*[\p{L}\p{Nl}\p{No}_][${W}\-]*[${S}]*=`, "y");
const WEIGHT_LIKE = pattern(String.raw`((?<![${W}.,])[\-+]?[.,]?${D}[${D}.,]*[${S}]*%?[${S}]*)::`);
const BOUNDS_LIKE = pattern(String.raw`\{[${S}~@!]*${D}+[${S}~@!\-]*${D}*[${S}~@!]*$`);
const LEADING = pattern(`^[${S}]+`);
const TRAILING = pattern(`[${S}]+$`);
export const NAME = pattern(String.raw`[\p{L}\p{Nl}\p{No}_][${W}\-]*`, "y");
export const WEIGHT = pattern(String.raw`(${D}{1,12}(?:\.${D}{0,12})?|\.${D}{1,12})::`, "y");
export const COPIES = pattern(`(${D}{1,6})#(?=__)`, "y");
export const PATH = pattern(
  String.raw`(?:[^_\n{}#$()|\\"<>]|\\(?=[${W}])(?!_)|_(?!_)|\$\{[${W}\-]+(?::[^{}\n]{0,200})?\}){1,200}`,
  "y",
);

/** @param {string} text */
export const withoutLeadingBlanks = (text) => text.replace(LEADING, "");

/** @param {string} text */
export const strip = (text) => text.replace(LEADING, "").replace(TRAILING, "");

/** How many characters a text has. @param {string} text */
export const length = (text) => Array.from(text).length;

/** The number that digits of any script say: they come in tens, from the zero on. @param {string} digits */
export function numberOf(digits) {
  let number = 0;
  for (const digit of digits) {
    let before = digit.codePointAt(0) - 1;
    while (/^\p{Nd}$/u.test(String.fromCodePoint(before))) before -= 1;
    number = number * 10 + ((digit.codePointAt(0) - before - 1) % 10);
  }
  return number;
}

/** The number of a weight. @param {string} text digits of any script and a point */
export const weightOf = (text) => Number(text.replace(/\p{Nd}/gu, (digit) => String(numberOf(digit))));

/** The error of a template, its message as TemplateError of nodes/prompts/language/errors.py words it. */
export class Mistake extends Error {
  /**
   * @param {string} what is wrong
   * @param {string} how it is mended, or what was expected
   * @param {{source: string, text: string}} location the text that holds the mistake, and how errors name it
   * @param {number} offset
   */
  constructor(what, how, { source, text }, offset) {
    const before = text.slice(0, offset);
    const start = before.lastIndexOf("\n") + 1;
    const end = text.indexOf("\n", offset);
    const column = length(before.slice(start)) + 1;
    const first = Math.max(0, column - 1 - MAX_EXCERPT / 2);
    const line = Array.from(text.slice(start, end < 0 ? text.length : end));
    const excerpt = line.slice(first, first + MAX_EXCERPT).join("").replaceAll("\t", " ");
    super(
      `${what} in ${source}, line ${before.split("\n").length}, column ${column}; ${how}` +
        `\n  ${excerpt}\n  ${" ".repeat(column - 1 - first)}^`,
    );
  }
}

/** Reads one text from its beginning; `offset` is the next character. */
export class TextReader {
  /** @param {{source: string, text: string}} location */
  constructor(location) {
    this.location = location;
    this.text = location.text;
    this.offset = 0;
    this.bar = -1; // the offset of the last | that is text
  }

  /** @returns {never} */
  fail(what, how, offset) {
    throw new Mistake(what, how, this.location, Math.min(offset, this.text.length));
  }

  /** What a sticky pattern matches at an offset. @param {RegExp} sticky */
  match(sticky, offset = this.offset) {
    sticky.lastIndex = offset;
    return sticky.exec(this.text);
  }

  startsWith(...words) {
    return words.some((word) => this.text.startsWith(word, this.offset));
  }

  /** The characters before an offset, at most so many. */
  before(offset, most) {
    return Array.from(this.text.slice(Math.max(0, offset - 2 * most), offset)).slice(-most).join("");
  }

  /** A piece of text as the prompt will have it, "" for a comment; null where another node begins. */
  literal(stop) {
    const run = this.match(stop.includes(",") ? RUN_IN_ARGUMENT : RUN);
    if (run) {
      this.refuseWeight(run[0]);
      this.offset += run[0].length;
      return run[0];
    }
    if (this.startsWith("{", "${", "__")) return null;
    const [char, after] = [this.text[this.offset], this.text.slice(this.offset + 1, this.offset + 2)];
    if (char === "#" && this.isComment()) {
      this.skipComment();
      return "";
    }
    if (char === "\\" && after) {
      if (ESCAPABLE.includes(after) || (stop.includes(after) && ARGUMENT_ENDS.includes(after))) {
        this.offset += 2;
        return after;
      }
    }
    if (char === "|") this.bar = this.offset;
    else if (char === "}") {
      this.refuseClosing();
      this.bar = -1;
    }
    this.refuseDollars();
    this.offset += 1;
    return char;
  }

  /** Whether the # at the offset begins a line or stands between blanks. */
  isComment() {
    const { text, offset } = this;
    const line = text.slice(Math.max(0, offset - MAX_INDENT), offset).replace(/[ \t\r\f\v]+$/, "");
    if (line.endsWith("\n") || (!line && offset < MAX_INDENT)) return true;
    const [before, after] = [text.slice(offset - 1, offset), text.slice(offset + 1, offset + 2)];
    return LEADING.test(before) && (!after || LEADING.test(after));
  }

  /** Move to the end of the line, before the line break. */
  skipComment() {
    const end = this.text.indexOf("\n", this.offset);
    this.offset = end < 0 ? this.text.length : end;
  }

  skipBlanks() {
    this.offset += this.match(BLANKS)[0].length;
  }

  skipSampler() {
    if (this.startsWith(...SAMPLER_SIGNS)) this.offset += 1;
  }

  /** The offset of the two dollars of the wrap whose { is at the offset; -1 where it is a choice. */
  wrapperEnd() {
    if (this.text[this.offset] !== "{" || this.match(NUMBERED)) return -1;
    let depth = 0;
    WRAP_MARKS.lastIndex = this.offset + 1;
    for (let mark = WRAP_MARKS.exec(this.text); mark; mark = WRAP_MARKS.exec(this.text)) {
      if (mark[0] === "$$" && !depth) return mark.index;
      depth += { "{": 1, "${": 1, "}": -1 }[mark[0]] ?? 0;
      if (depth < 0) return -1;
    }
    return -1;
  }

  /** How many options a choice takes at least and at most (null: all), and what stands between them. */
  bounds() {
    const bounds = this.match(BOUNDS);
    if (!bounds || !(bounds[1] || bounds[3])) return { low: 1, high: 1, separator: "," };
    let low = bounds[1] ? numberOf(bounds[1]) : 1;
    let high = bounds[3] ? numberOf(bounds[3]) : bounds[2] ? null : low;
    if (high !== null && high < low) [low, high] = [high, low];
    this.offset += bounds[0].length;
    const separator = this.match(SEPARATOR);
    if (!separator) return { low, high, separator: "," };
    const start = this.offset;
    this.offset += separator[0].length;
    return { low, high, separator: this.separator(separator[1], start) };
  }

  /** What stands between the options of a choice, its escapes read. */
  separator(text, start) {
    const reader = new TextReader({ source: this.location.source, text });
    reader.fail = (what, how, offset) => this.fail(what, how, start + offset);
    const count = COUNT_IN.exec(text);
    let words = "";
    while (reader.offset < text.length) {
      const isComment = text[reader.offset] === "#" && reader.isComment();
      const word = isComment || count ? null : reader.literal("");
      if (word === null) {
        const how = "expected text; write a backslash before the character itself";
        const offset = start + (count ? count.index : reader.offset);
        this.fail("a wildcard, a count or a comment in a separator", how, offset);
      }
      words += word;
    }
    return words;
  }

  /** Refuse a weight, or its colons, in the text `run` at the offset. */
  refuseWeight(run) {
    if (!run.includes("::")) return;
    const like = WEIGHT_LIKE.exec(run);
    const number = like ? strip(like[1]) : "";
    const what = like ? `a weight ${number}` : "a :: that is no weight";
    const how = number.startsWith("-")
      ? "expected a weight of 0 or more, as in {2::a|0::b}; or write \\::"
      : "expected it before an option, with a point in a fraction, as in {2::a|0.5::b}; or write \\::";
    this.fail(what, how, this.offset + (like ? like.index : run.indexOf("::")));
  }

  /** Refuse a count before the wildcard or the brace at the offset. */
  refuseCount() {
    const before = COUNT_BEFORE.exec(this.before(this.offset, MAX_BEFORE));
    if (!before) return;
    const how = "expected it alone in an option, as in {2$$, $$3#__color__}; or write \\# for the character";
    this.fail(`a count ${before[0]} outside a choice`, how, this.offset - before[0].length);
  }

  /** Refuse values for a wildcard behind its last underscores. */
  refuseValues() {
    if (!this.match(VALUES_AFTER)) return;
    const how = "expected them before the last underscores, as in __name(x=red)__; write \\( for the character";
    this.fail("values after a wildcard", how, this.offset);
  }

  /** Refuse two dollars that are no part of a choice's beginning. */
  refuseDollars() {
    if (!this.startsWith("$$")) return;
    const how = BOUNDS_LIKE.test(this.before(this.offset, MAX_BEFORE))
      ? "expected the numbers of a choice without blanks or signs, as in {1-2$$a|b}; or write \\$\\$"
      : "expected it after the number of a choice, as in {2$$a|b} or {1-2$$a|b}; or write \\$\\$";
    this.fail("$$ that is no part of a choice", how, this.offset);
  }

  /** Refuse a % before the choice at `start`, whose beginning is a number and two dollars. */
  refuseWrap(start) {
    const before = this.before(start, 2);
    const isBounded = this.text.slice(this.offset - 2, this.offset) === "$$";
    if (!isBounded || !before.endsWith("%") || /^\p{Nd}/u.test(before)) return;
    const how = "expected words to wrap with, as in %{a photo of ...$$a cat}, or a blank before the choice";
    this.fail("a % before a choice", how, start - 1);
  }

  /** Refuse a } that closes nothing behind a | of the same line. */
  refuseClosing() {
    if (this.bar < 0 || this.text.slice(this.bar, this.offset).includes("\n")) return;
    this.fail("a } that closes nothing", "expected a { before the |; write \\} for the character itself", this.offset);
  }
}
