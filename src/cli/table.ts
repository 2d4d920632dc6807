import { cutTo, widthOf } from './columns.ts';
import { printable } from './printable.ts';

/** What a cell holds; null and empty are shown as `-`. */
export type Cell = string | number | null;

/** What lines are made for. */
export interface Screen {
  /** Columns of the terminal; infinite where there is none. */
  readonly width: number;
  /** Lays emphasis on a text, where the terminal can. */
  readonly emphasise: (text: string) => string;
}

/** Lines for a file or a pipe. */
export const page: Screen = { width: Number.POSITIVE_INFINITY, emphasise: (text) => text };

/** The title of a column, or with its rank: where there is no room for all, the column of the highest rank is left out first, and
 *  rank 0 never. The rank of a bare title is its place: the first column stays. A column is cut to `least` at most before others
 *  are left out. */
export type Heading = string | { readonly title: string; readonly rank: number; readonly least?: number };

const GAP = 2;

/** Columns that hold texts of any length are cut to so much, before any is left out. */
const LEAST_WIDTH = 10;

/** Lines of aligned columns under a head, as wide as the screen at most: long cells are cut, and columns left out, which a last line
 *  tells. Every cell is made printable. */
export function formatTable(
  head: readonly Heading[],
  rows: readonly (readonly Cell[])[],
  { width, emphasise }: Screen = page,
): string[] {
  const titles = head.map((heading) => (typeof heading === 'string' ? heading : heading.title));
  const ranks = head.map((heading, place) => (typeof heading === 'string' ? place : heading.rank));
  const leasts = head.map((heading) => (typeof heading === 'string' ? undefined : heading.least) ?? LEAST_WIDTH);
  const shown = rows.map((row) => row.map(shownCell));
  // Of a million rows no call takes a million widths.
  const natural = titles.map((title, column) =>
    shown.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), title.length),
  );
  const widths = fitted(natural, { titles, ranks, leasts, width });
  const align = (row: readonly string[]) =>
    row
      .flatMap((cell, column) => {
        const room = widths[column] ?? null;
        return room === null ? [] : [padded(cutTo(cell, room), room)];
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const left = titles.filter((_, column) => widths[column] === null);
  const note = left.length === 0 ? [] : [`(no room for ${left.join(', ')})`];
  return [emphasise(align(titles)), ...shown.map(align), ...note];
}

/** How wide each column is shown; null for those that are left out. */
function fitted(
  natural: readonly number[],
  {
    titles,
    ranks,
    leasts,
    width,
  }: { titles: readonly string[]; ranks: readonly number[]; leasts: readonly number[]; width: number },
): (number | null)[] {
  const byRank = natural.map((_, column) => column).sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0));
  const widths: (number | null)[] = natural.map((wide, column) =>
    ranks[column] === 0 ? wide : Math.min(wide, Math.max(titles[column]?.length ?? 0, leasts[column] ?? 0)),
  );
  for (const column of byRank.toReversed()) {
    if (totalOf(widths) <= width || ranks[column] === 0) break;
    widths[column] = null;
  }
  let spare = width - totalOf(widths);
  for (const column of byRank) {
    const has = widths[column] ?? null;
    if (has === null) continue;
    const more = Math.max(0, Math.min(spare, (natural[column] ?? 0) - has));
    widths[column] = has + more;
    spare -= more;
  }
  return widths;
}

function totalOf(widths: readonly (number | null)[]): number {
  const shown = widths.filter((wide) => wide !== null);
  return shown.reduce((sum, wide) => sum + wide, 0) + GAP * Math.max(0, shown.length - 1);
}

/** Lines of names and values, aligned. */
export function formatFacts(facts: readonly (readonly [name: string, value: Cell])[]): string[] {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${shownCell(value)}`);
}

const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));

function shownCell(cell: Cell): string {
  return cell === null || cell === '' ? '-' : printable(String(cell));
}
