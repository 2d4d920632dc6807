import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type ConfigFault, formatPath, type Path, type Reading } from './fault.ts';

const tooDeep = 'the document is nested too deeply';

/** The library's own messages quote the document, and with it secrets: these say the same without. */
const syntaxMessages: ReadonlyMap<string, string> = new Map([
  ['BAD_DQ_ESCAPE', 'unknown escape sequence in double quotes: write the backslash twice, or use single quotes'],
  ['BAD_INDENT', 'the indentation fits nothing above, or a bracket is not closed'],
  ['BAD_SCALAR_START', 'text that begins with this character must be quoted'],
  ['BLOCK_AS_IMPLICIT_KEY', 'a second ": " on one line: quote the text, or give the mapping lines of its own'],
  ['DUPLICATE_KEY', 'this key stands in its mapping already'],
  ['MISSING_CHAR', 'a quote, bracket or colon is missing'],
  ['MULTIPLE_DOCS', 'a file holds one document: remove "---" and what follows'],
  ['NON_STRING_KEY', 'a key must be plain text'],
  ['RESOURCE_EXHAUSTION', tooDeep],
  ['TAB_AS_INDENT', 'tabs cannot indent: use spaces'],
  ['TAG_RESOLVE_FAILED', 'tags are not used here'],
]);

/** Faults that leave the rest of a document readable, so that its other faults stand in the same report. */
const harmless: ReadonlySet<string> = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED']);

/** One slip can make hundreds of faults of syntax. */
const SHOWN_FAULTS = 20;

/** Levels of mappings and lists: twice what any schema has. */
const DEEPEST = 16;

/** Digits that are a number when they are written in YAML, and stay exact. */
const wholeNumber = /^(?:0|[1-9][0-9]{0,14})$/;

/** A YAML 1.2 document (core schema) whose places are known. Aliases are refused: with them a small file can be endless. */
export class YamlFile {
  readonly file: string;
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();
  readonly #faults: ConfigFault[] = [];
  /** By path: digits of variables, which became numbers. */
  readonly #digits = new Map<string, string>();
  #readable = true;

  /** Never throws: see `faults`. */
  constructor(file: string, text: string) {
    this.file = file;
    this.#document = this.#parse(text);
  }

  /** Faults of syntax, then of variables. */
  get faults(): readonly ConfigFault[] {
    return this.#faults;
  }

  /** The plain value: `{}` for an empty file, undefined where the syntax leaves in doubt what was meant. */
  get value(): unknown {
    if (!this.#readable) return undefined;
    return this.#document.contents === null ? {} : (this.#document.toJS() ?? {});
  }

  /** The text at `path`, digits of a variable too; undefined where there is none. */
  textAt(path: Path): string | undefined {
    const value: unknown = this.#document.getIn(path);
    return typeof value === 'string' ? value : this.digitsAt(path);
  }

  /** The digits of a variable that are a number at `path` now; undefined where there are none. */
  digitsAt(path: Path): string | undefined {
    return this.#digits.get(formatPath(path));
  }

  /** Replaces the variables in every text (keys are left alone). A text that is nothing but one variable becomes a number if
   *  digits come of it, as if they had been written there. */
  expand(expand: (text: string) => Reading<string>): void {
    if (this.#readable && this.#document.contents) this.#expandNode(this.#document.contents, [], expand);
  }

  /** A fault at the place of `path`, or of the nearest value above it; `part` says whether at its key. */
  faultAt(path: Path, message: string, part: 'key' | 'value' = 'value'): ConfigFault {
    let node: unknown = this.#document.contents;
    let offset = offsetOf(node);
    for (const [depth, step] of path.entries()) {
      const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === step) : undefined;
      node = pair?.value ?? (isSeq(node) ? node.items[Number(step)] : undefined);
      if (node === undefined) break;
      const last = depth === path.length - 1;
      offset = offsetOf(last && part === 'key' && pair !== undefined ? pair.key : node);
    }
    return this.#faultOf(offset, message, path);
  }

  #parse(text: string): Document.Parsed {
    const options = { prettyErrors: false, stringKeys: true, lineCounter: this.#lines, logLevel: 'error' } as const;
    const document = parseDocument(text, options);
    for (const { code, pos } of [...document.errors, ...document.warnings]) {
      if (!harmless.has(code)) this.#readable = false;
      if (this.#faults.length === SHOWN_FAULTS) continue;
      this.#faults.push(this.#faultOf(pos[0], syntaxMessages.get(code) ?? `no valid YAML (${code})`));
    }
    if (this.#readable) this.#refuseUnbounded(document.contents, []);
    return document;
  }

  #refuseUnbounded(node: unknown, path: Path): void {
    if (isAlias(node)) this.#refuse(node, path, 'aliases are not used here: write the value out');
    else if (path.length > DEEPEST) this.#refuse(node, [], tooDeep);
    else for (const [step, child] of childrenOf(node)) this.#refuseUnbounded(child, [...path, step]);
  }

  #refuse(node: unknown, path: Path, message: string): void {
    this.#faults.push(this.#faultOf(offsetOf(node), message, path));
    this.#readable = false;
  }

  #expandNode(node: Node, path: Path, expand: (text: string) => Reading<string>): void {
    for (const [step, child] of childrenOf(node)) this.#expandNode(child, [...path, step], expand);
    if (!isScalar(node) || typeof node.value !== 'string') return;
    const expanded = expand(node.value);
    if (!expanded.ok) {
      this.#faults.push(this.#faultOf(offsetOf(node), expanded.message, path));
      return;
    }
    const isDigits = /^\$\{[^{}]*\}$/.test(node.value) && wholeNumber.test(expanded.value);
    if (isDigits) this.#digits.set(formatPath(path), expanded.value);
    node.value = isDigits ? Number(expanded.value) : expanded.value;
  }

  #faultOf(offset: number, message: string, path: Path = []): ConfigFault {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1), path: formatPath(path), message };
  }
}

function offsetOf(node: unknown): number {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}

function childrenOf(node: unknown): [string | number, Node][] {
  if (isSeq<Node>(node)) return [...node.items.entries()];
  if (!isMap<Node, Node | null>(node)) return [];
  return node.items.flatMap(({ key, value }): [string, Node][] => (value === null ? [] : [[String(key), value]]));
}
