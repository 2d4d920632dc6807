import { printable } from './printable.ts';

/** What a cell holds; null and empty are shown as `-`. */
export type Cell = string | number | null;

/** Lines of aligned columns under a head. Every cell is made printable; `emphasise` is laid on the finished head. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  emphasise: (text: string) => string = (text) => text,
): string[] {
  const shown = rows.map((row) => row.map(shownCell));
  const widths = head.map((title, column) => Math.max(title.length, ...shown.map((row) => row[column]?.length ?? 0)));
  const align = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [emphasise(align(head)), ...shown.map(align)];
}

/** Lines of names and values, aligned. */
export function formatFacts(facts: readonly (readonly [name: string, value: Cell])[]): string[] {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${shownCell(value)}`);
}

function shownCell(cell: Cell): string {
  return cell === null || cell === '' ? '-' : printable(String(cell));
}
