/** Takes the text of an element, and the line that it begins in (counted from 1). */
export interface ElementSink {
  element(text: string, line: number): void;
  fault(line: number, message: string): void;
}

/** Where sources that wrap their list in an object keep it. */
const lists: ReadonlySet<string> = new Set([
  'results',
  'result',
  'data',
  'proxies',
  'proxy_list',
  'items',
  'list',
  'servers',
  'exits',
]);

/** An element has so many characters at most. */
const LONGEST_ELEMENT = 65_536;

/** So many brackets are open at once at most. */
const DEEPEST = 64;

const LF = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Cuts the elements out of a JSON array, of the array that an object has under `results`, `data`, `proxies` …, or objects that
 *  follow one another (JSON Lines). The text comes in parts of any length; no more of it is held than one element. What stands
 *  around the elements is not checked beyond its brackets. */
export class JsonElements {
  readonly #sink: ElementSink;
  /** What is open, from outside to inside. */
  readonly #open: number[] = [];
  /** How many are open where elements stand; 0 outside of them. */
  #depth = 0;
  #line = 1;
  #inString = false;
  #escaped = false;
  /** The last string outside of elements, which may be a key. */
  #key = '';
  /** What is being cut out, as far as it was in former parts; null where nothing is. */
  #held: string | null = null;
  #heldLine = 1;
  /** Where in this part it begins. */
  #start = 0;
  #found = false;
  #broken = false;

  constructor(sink: ElementSink) {
    this.#sink = sink;
  }

  push(text: string): void {
    this.#start = 0;
    for (let at = 0; at < text.length && !this.#broken; at += 1) this.#step(text, at);
    if (this.#held !== null) this.#hold(text.slice(this.#start));
  }

  end(): void {
    if (this.#broken) return;
    if (this.#open.length > 0 || this.#held !== null) this.#break('the JSON breaks off');
    else if (!this.#found)
      this.#sink.fault(1, 'expected a JSON array, or an object with one under results, data or proxies');
  }

  #step(text: string, at: number): void {
    const code = text.charCodeAt(at);
    if (code === LF) this.#line += 1;
    if (this.#inString) this.#stepInString(text, at, code);
    else if (code <= 0x20 || code === 0xfeff) return;
    else this.#stepOutside(text, at, code);
  }

  #stepInString(text: string, at: number, code: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (code === BACKSLASH) this.#escaped = true;
    else if (code === QUOTE) this.#inString = false;
    if (this.#depth === 0 && this.#inString && this.#key.length < 40) this.#key += text.charAt(at);
  }

  #stepOutside(text: string, at: number, code: number): void {
    const isBetween = this.#open.length === this.#depth;
    if (isBetween && this.#depth > 0 && (code === COMMA || code === CLOSE_LIST)) this.#finish(text, at);
    else if (isBetween && this.#held === null && !(this.#depth === 0 && code === OPEN_LIST)) this.#begin(at, code);
    if (this.#broken) return;
    if (code === QUOTE) {
      this.#inString = true;
      this.#key = '';
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) this.#enter(code);
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) this.#leave(text, at, code);
  }

  #enter(code: number): void {
    if (this.#open.length === DEEPEST) return this.#break('the JSON is nested too deeply');
    const isList = code === OPEN_LIST && this.#depth === 0 && this.#open.every((one) => one === OPEN_OBJECT);
    this.#open.push(code);
    if (!isList || (this.#open.length > 1 && !lists.has(this.#key))) return;
    this.#depth = this.#open.length;
    this.#held = null;
    this.#found = true;
  }

  #leave(text: string, at: number, code: number): void {
    const opened = this.#open.pop();
    if (opened !== (code === CLOSE_LIST ? OPEN_LIST : OPEN_OBJECT)) {
      this.#break('the brackets of the JSON do not match');
      return;
    }
    if (this.#open.length < this.#depth) this.#depth = 0;
    else if (this.#depth === 0 && this.#open.length === 0 && this.#held !== null) this.#finish(text, at + 1);
  }

  /** Something begins that may be an element: in the list, or as an object on its own. */
  #begin(at: number, code: number): void {
    if (this.#depth === 0 && code !== OPEN_OBJECT) {
      this.#break('expected JSON');
      return;
    }
    this.#held = '';
    this.#heldLine = this.#line;
    this.#start = at;
  }

  #finish(text: string, end: number): void {
    if (this.#held === null) return;
    this.#hold(text.slice(this.#start, end));
    this.#found = true;
    if (this.#held.length > LONGEST_ELEMENT) this.#sink.fault(this.#heldLine, 'the element is too long');
    else this.#sink.element(this.#held, this.#heldLine);
    this.#held = null;
  }

  #hold(part: string): void {
    if (this.#held !== null && this.#held.length <= LONGEST_ELEMENT) this.#held += part;
  }

  #break(message: string): void {
    this.#broken = true;
    this.#held = null;
    this.#sink.fault(this.#line, message);
  }
}
