/** What stands in one record, by the lower-case names of its columns. */
export type Cells = ReadonlyMap<string, string>;

/** What may stand between the cells of a CSV. */
const separators = [',', ';', '\t'] as const;

/** A bill as it is written. */
export interface BillTable {
  /** Between its cells; null in JSON. */
  readonly separator: (typeof separators)[number] | null;
  /** Those of all records, in lower case. */
  readonly names: readonly string[];
  /** Names that several columns of one record have, and where. */
  readonly repeated: ReadonlyMap<string, string>;
  readonly records: readonly BillRecord[];
}

export interface BillRecord {
  /** Such as `line 2`. */
  readonly place: string;
  readonly cells: Cells;
}

/** The text of a file: UTF-8 or, where it begins with that mark, UTF-16, as spreadsheets save it. */
export function decodeBill(octets: Uint8Array): string {
  const [first, second] = octets;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const encoding = isUtf16 ? (first === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8';
  return new TextDecoder(encoding, { ignoreBOM: true }).decode(octets);
}

/** Reads a CSV with a head, or a JSON array of objects, or an object that holds one: the first in which there is anything. `isHead`
 *  tells whether a CSV may have these names, and so what stands between them. Returns what is wrong where that is not so. */
export function readTable(text: string, isHead: (names: readonly string[]) => boolean): BillTable | string {
  const content = text.replace(/^\uFEFF/, '');
  const table = /^\s*[[{]/.test(content) ? jsonTable(content) : csvTable(content, isHead);
  if (typeof table === 'string') return table;
  return table.records.length === 0 ? 'it has no lines' : table;
}

function jsonTable(text: string): BillTable | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return `it is no JSON: ${cause instanceof Error ? cause.message : ''}`;
  }
  const lists = Array.isArray(value) ? [value] : Object.values(Object(value)).filter(Array.isArray);
  const list = lists.find(([first]) => isObject(first)) ?? lists[0];
  if (list === undefined) return 'expected a JSON array of objects';
  const records: BillRecord[] = [];
  const repeated = new Map<string, string>();
  for (const [index, entry] of list.entries()) {
    const place = `entry ${index + 1}`;
    if (!isObject(entry)) return `${place}: expected an object`;
    const cells = Object.entries(entry).map(([name, cell]) => [name.toLowerCase(), String(cell ?? '').trim()] as const);
    for (const name of repeatedOf(cells.map(([name]) => name))) repeated.set(name, place);
    records.push({ place, cells: new Map(cells) });
  }
  // An entry may leave out what is null in it.
  return { separator: null, names: [...new Set(records.flatMap(({ cells }) => [...cells.keys()]))], repeated, records };
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function csvTable(text: string, isHead: (names: readonly string[]) => boolean): BillTable | string {
  const readings = separators.map((separator) => {
    const { rows, fault } = rowsOf(text, separator);
    const [head, ...records] = rows;
    return { separator, line: head?.line, names: (head?.cells ?? []).map(nameOf), records, fault };
  });
  // A name may hold what another bill has between its cells: `Day;Amount, USD`.
  const reading =
    readings.find(({ names }) => isHead(names)) ??
    readings.reduce((widest, one) => (one.names.length > widest.names.length ? one : widest));
  const { separator, line: headLine, names, fault } = reading;
  if (fault !== null) return fault;
  const repeated = new Map(repeatedOf(names).map((name) => [name, `line ${headLine}`]));
  const records: BillRecord[] = [];
  for (const { line, cells } of reading.records) {
    const place = `line ${line}`;
    if (cells.length !== names.length) return `${place}: expected ${names.length} cells, found ${cells.length}`;
    records.push({ place, cells: new Map(names.map((name, index) => [name, cells[index] ?? ''])) });
  }
  return { separator, names, repeated, records };
}

/** In one line, so that it can be given as an option. */
const nameOf = (cell: string): string => cell.toLowerCase().replace(/\s+/g, ' ');

const repeatedOf = (names: readonly string[]): string[] =>
  new Set(names).size === names.length ? [] : names.filter((name, index) => names.indexOf(name) < index);

interface Row {
  /** The line in which it begins, from 1 on. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** The rows of a CSV (RFC 4180), up to the first fault; those in which nothing stands are left out. */
function rowsOf(text: string, separator: string): { readonly rows: readonly Row[]; readonly fault: string | null } {
  const plain = `[^${separator}\\r\\n]*`;
  const cell = new RegExp(` *"([^"]*(?:""[^"]*)*)"(?!")(${plain})|(${plain})`, 'y');
  const lineBreak = /\r\n|\r|\n/g;
  const rows: Row[] = [];
  let cells: string[] = [];
  let [start, line, at] = [1, 1, 0];
  for (;;) {
    cell.lastIndex = at;
    const [all = '', quoted, behind = '', bare = ''] = cell.exec(text) ?? [];
    if (/^ *"/.test(bare)) return { rows, fault: `line ${line}: a quote is not closed` };
    cells.push((quoted === undefined ? bare : quoted.replaceAll('""', '"') + behind).trim());
    line += all.match(lineBreak)?.length ?? 0;
    at += all.length;
    if (text[at] === separator) {
      at += 1;
      continue;
    }
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: start, cells });
    if (at === text.length) return { rows, fault: null };
    at += text.startsWith('\r\n', at) ? 2 : 1;
    line += 1;
    start = line;
    cells = [];
  }
}
