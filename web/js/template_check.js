/**
 * A template's tree, or what is wrong with it in the words of the server: the parser of
 * nodes/prompts/language/parser.py, where the rules of the language stand. A test reads the same templates by both.
 */
import { MAX_NAMES, Undecided, choiceOfWildcards, isOne, namesOf, withDrawnNames } from "./template_check_names.js";
import {
  ARGUMENT_ENDS,
  COPIES,
  Mistake,
  NAME,
  PATH,
  TextReader,
  WEIGHT,
  length,
  numberOf,
  strip,
  weightOf,
  withoutLeadingBlanks,
} from "./template_check_reader.js";

const MAX_CHARACTERS = 4_000_000; // of one template
const MAX_DEPTH = 50; // braces within braces
const MAX_COPIES = 1000; // of one wildcard in 3#__name__
const MAX_PARTS = 100_000; // options, wildcards and texts of one template
const SIGNS = ["?=!", "?=", "=!", "=", ":", "}"]; // what may follow the name of a variable, longest first

/**
 * The tree of a template, or the error that the server's parser gives for it: what is wrong and where, and two lines
 * that show the place. Neither, where that depends on what is in the lists of the server.
 * @param {string} text
 * @param {string} source how errors name it
 * @returns {{nodes: Node[] | null, mistake: string | null}}
 */
export function read(text, source = "template") {
  const location = { source, text };
  try {
    const characters = length(text);
    if (characters > MAX_CHARACTERS) {
      throw new Mistake(`a template of ${characters} characters`, `expected at most ${MAX_CHARACTERS}`, location, 0);
    }
    return { nodes: new Parser(location).template("", 0), mistake: null };
  } catch (error) {
    if (error instanceof Mistake) return { nodes: null, mistake: error.message };
    if (!(error instanceof Undecided)) throw error;
  }
  return { nodes: null, mistake: null };
}

/** Reads one text from its beginning. Each method reads what its rule says. */
class Parser extends TextReader {
  constructor(location) {
    super(location);
    this.parts = 0;
    this.counted = -1; // the offset of the wildcard that a count belongs to
  }

  get isAtEnd() {
    return this.offset >= this.text.length;
  }

  /** Nodes up to one of the characters of `stop`, which is left to be read; up to the end where it is empty. */
  template(stop, depth) {
    const most = `expected at most ${MAX_DEPTH} within each other`;
    if (depth > MAX_DEPTH) this.fail(`braces ${depth} deep`, most, this.offset);
    const nodes = []; // as template_check_names.js describes them
    /** @type {string[]} */
    let words = [];
    const flush = () => {
      const value = words.join("");
      if (value) nodes.push({ kind: "text", value });
      words = [];
    };
    while (!this.isAtEnd && !stop.includes(this.text[this.offset])) {
      const start = this.offset;
      const word = this.literal(stop);
      if (word !== null) {
        words.push(word);
        continue;
      }
      const end = words.at(-1)?.endsWith("%") ? this.wrapperEnd() : -1;
      if (end >= 0) words.push(words.pop().slice(0, -1));
      flush();
      this.parts += 1;
      if (this.parts > MAX_PARTS) {
        const how = `expected at most ${MAX_PARTS}; put long lists in a wildcard file`;
        this.fail(`a template of more than ${MAX_PARTS} parts`, how, start);
      }
      nodes.push(...(end < 0 ? [this.node(depth)] : this.wrap(end, depth)));
    }
    flush();
    return withDrawnNames(nodes);
  }

  /** The choice, variable or wildcard that begins here. */
  node(depth) {
    if (this.offset !== this.counted) this.refuseCount();
    if (this.text[this.offset] === "{") return this.choice(depth);
    if (this.text[this.offset] === "$") return this.variable(depth);
    return this.wildcard(depth);
  }

  /** The choice whose { is at the offset. */
  choice(depth) {
    const start = this.offset;
    this.offset += 1;
    this.skipBlanks();
    this.skipSampler();
    const bounds = this.bounds();
    const picksOne = isOne(bounds);
    this.refuseWrap(start);
    const options = [];
    while (true) {
      options.push(...this.option(depth, picksOne));
      if (this.isAtEnd) {
        this.fail("a { that is not closed", "expected a }; write \\{ for the character itself", start);
      }
      this.offset += 1;
      if (this.text[this.offset - 1] === "}") return { kind: "choice", options, ...bounds };
    }
  }

  /** What begins with the %{ before the offset, its dollars at `end`. */
  wrap(end, depth) {
    const start = this.offset - 1;
    const wrapper = new Parser({ source: this.location.source, text: this.text.slice(0, end) });
    wrapper.offset = this.offset + 1;
    const value = wrapper.template("", depth + 1);
    this.offset = end + 2;
    const inner = this.template("}", depth + 1);
    if (!value.length || !inner.length || this.isAtEnd) {
      const how = "expected a text on both sides of the dollars, as in %{a photo of ...$$a cat}; or write \\$\\$";
      this.fail("a %{ that wraps nothing", how, start);
    }
    this.offset += 1;
    const name = `%${depth}`; // none that is typed begins so
    const [before, after] = ["before", "after"].map((part) => ({ kind: "variable", name, value: null, part }));
    return [{ kind: "assign", name, value, isImmediate: true, isKept: false }, before, ...inner, after];
  }

  /** One option, or as many as there are copies of its wildcard; of one that is picked, copies are a weight. */
  option(depth, picksOne) {
    this.skipBlanks();
    while (this.startsWith("#") && this.isComment()) {
      this.skipComment();
      this.skipBlanks();
    }
    const start = this.offset;
    const written = this.match(WEIGHT);
    this.offset += written?.[0].length ?? 0;
    const copies = this.match(COPIES);
    if (copies) this.counted = this.offset += copies[0].length;
    const body = bodyOf(this.template("|}", depth + 1));
    const count = copies ? numberOf(copies[1]) : 1;
    this.parts += count;
    if (copies && (body.length !== 1 || count > MAX_COPIES)) {
      const how = `expected nothing else in that option, and at most ${MAX_COPIES} copies; write \\# for the character`;
      this.fail(`${copies[0]} before a wildcard`, how, start);
    }
    const weight = written ? weightOf(written[1]) : null;
    if (copies && picksOne) return [{ body, weight: count * (weight ?? 1) }];
    return Array.from({ length: count }, () => ({ body: body.map((node) => ({ ...node })), weight }));
  }

  /** What begins with the ${ at the offset: a use of a variable, or an assignment to one. */
  variable(depth) {
    const start = this.offset;
    this.offset += 2;
    this.skipBlanks();
    const name = this.match(NAME)?.[0];
    if (!name) this.fail("${ without a name", "expected letters, digits, _ or -, as in ${x}", this.offset);
    this.offset += name.length;
    this.skipBlanks();
    const sign = SIGNS.find((one) => this.startsWith(one));
    if (!sign) {
      const how = "expected =, : or } after the name; write \\$ for the character itself";
      this.fail("a ${ that is not closed", how, start);
    }
    this.offset += sign.length;
    if (sign === "}") return { kind: "variable", name, value: null, part: "" };
    this.skipBlanks();
    const value = bodyOf(this.template("}", depth + 1));
    if (this.isAtEnd) this.fail("a ${ that is not closed", "expected a }", start);
    this.offset += 1;
    if (sign === ":") return { kind: "variable", name, value, part: "" };
    return { kind: "assign", name, value, isImmediate: sign.includes("!"), isKept: sign.includes("?") };
  }

  /** The wildcard whose two underscores are at the offset; a choice of wildcards where its name is drawn. */
  wildcard(depth) {
    const start = this.offset;
    const how = "expected a name and two more underscores, as in __color__; write \\_ for the character itself";
    this.offset += 2;
    this.skipSampler();
    const names = namesOf(this.path(depth));
    if (!names || names.some(({ text }) => !text || text !== strip(text))) {
      this.fail("two underscores that begin no wildcard", how, start);
    }
    const values = this.startsWith("(") ? this.values(depth) : [];
    if (!this.startsWith("__")) this.fail("a wildcard that is not closed", how, start);
    this.offset += 2;
    this.refuseValues();
    const wildcard = { kind: "wildcard", name: names[0].text, values };
    return names.length === 1 ? wildcard : choiceOfWildcards(names, wildcard);
  }

  /** The name of a wildcard from the offset on: texts, and choices between texts. */
  path(depth) {
    const nodes = [];
    while (true) {
      const text = this.match(PATH)?.[0] ?? "";
      this.offset += text.length;
      if (text) nodes.push({ kind: "text", value: text.replaceAll("\\", "/") });
      if (!this.startsWith("{")) return nodes;
      const start = this.offset;
      nodes.push(this.choice(depth));
      if (!namesOf(nodes)) {
        const how = `expected one of some words, as in __cars/{red|blue}__, at most ${MAX_NAMES} names`;
        this.fail("a choice in the name of a wildcard", how, start);
      }
    }
  }

  /** The values that a wildcard is given, from the ( at the offset to its ). */
  values(depth) {
    const start = this.offset;
    const values = [];
    while (this.startsWith("(", ",")) {
      this.offset += 1;
      this.skipBlanks();
      const name = this.match(NAME)?.[0];
      if (!name || this.text[this.offset + name.length] !== "=") {
        this.fail("a wildcard's value without a name", "expected as in __name(x=red)__", this.offset);
      }
      this.offset += name.length + 1;
      this.skipBlanks();
      const value = bodyOf(this.template(ARGUMENT_ENDS, depth + 1));
      values.push({ kind: "assign", name, value, isImmediate: false, isKept: false });
    }
    if (!this.startsWith(")")) {
      this.fail("a ( that is not closed", "expected ) and two underscores, as in __name(x=red)__", start);
    }
    this.offset += 1;
    return values;
  }
}

/** Nodes without the blanks that they begin with. */
function bodyOf(nodes) {
  const [first, ...others] = nodes;
  if (first?.kind !== "text") return nodes;
  const value = withoutLeadingBlanks(first.value);
  return value ? [{ ...first, value }, ...others] : others;
}
