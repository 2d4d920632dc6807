/** What stands in one record, by the lower-case names of its columns. */
export type Cells = ReadonlyMap<string, string>;

/** A bill as it is written. */
export interface BillTable {
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

/** Reads a CSV with a head, or a JSON array of objects, or an object that holds one: the first in which there is anything. Returns
 *  what is wrong where that is not so. */
export function readTable(text: string): BillTable | string {
  const content = text.replace(/^\uFEFF/, '');
  const table = /^\s*[[{]/.test(content) ? jsonTable(content) : csvTable(content);
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
  return { names: [...new Set(records.flatMap(({ cells }) => [...cells.keys()]))], repeated, records };
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function csvTable(text: string): BillTable | string {
  const [head = '', ...rest] = text.split(/\r?\n/);
  const separator = [',', ';', '\t'].find((mark) => head.includes(mark)) ?? ',';
  const names = cellsOf(head, separator).map((name) => name.trim().toLowerCase());
  const repeated = new Map(repeatedOf(names).map((name) => [name, 'line 1']));
  const records: BillRecord[] = [];
  for (const [index, line] of rest.entries()) {
    if (line.trim() === '') continue;
    const cells = cellsOf(line, separator);
    const place = `line ${index + 2}`;
    if (cells.length !== names.length) return `${place}: expected ${names.length} cells, found ${cells.length}`;
    records.push({ place, cells: new Map(names.map((name, i) => [name, (cells[i] ?? '').trim()])) });
  }
  return { names, repeated, records };
}

const repeatedOf = (names: readonly string[]): string[] =>
  new Set(names).size === names.length ? [] : names.filter((name, index) => names.indexOf(name) < index);

/** The cells of a line (RFC 4180); no cell holds a line break. */
function cellsOf(line: string, separator: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const mark = line[at];
    if (quoted && mark === '"' && line[at + 1] === '"') {
      cell += '"';
      at++;
    } else if (mark === '"') quoted = !quoted;
    else if (mark === separator && !quoted) {
      cells.push(cell);
      cell = '';
    } else cell += mark;
  }
  return [...cells, cell];
}
