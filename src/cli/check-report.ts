import type { CheckedExit } from '../admin/check-command.ts';
import { grouped } from './check-progress.ts';
import { barOf, type Glyphs } from './glyphs.ts';
import { printable } from './printable.ts';
import { type Cell, formatTable, type Heading, type Screen } from './table.ts';

/** Exits that failed, or that stand elsewhere, shown in the terminal; all of them are in JSON and CSV. */
const MOST_SHOWN = 20;

/** Upper bounds of the histogram, in ms. */
const bounds = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, Number.POSITIVE_INFINITY];

/** What a check found, for people. */
export function reportLines(
  results: readonly CheckedExit[],
  { screen, glyphs }: { screen: Screen; glyphs: Glyphs },
): string[] {
  const failed = results.filter(({ kind }) => kind !== 'ok');
  const elsewhere = results.filter(({ mismatch }) => mismatch !== null);
  return [
    ...formatTable(['RESULT', 'EXITS', 'SHARE', 'MEDIAN', 'P95'], kindRows(results), screen),
    ...section(histogramLines(results, { width: screen.width, glyphs })),
    ...section(failedLines(failed, screen)),
    ...section(elsewhereLines(elsewhere, screen)),
  ];
}

const section = (lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', ...lines]);

function kindRows(results: readonly CheckedExit[]): Cell[][] {
  const groups = [...Map.groupBy(results, ({ kind }) => kind)];
  groups.sort(([a, one], [b, other]) => Number(b === 'ok') - Number(a === 'ok') || other.length - one.length);
  return groups.map(([kind, group]) => {
    const times = group.map(({ ms }) => ms).sort((a, b) => a - b);
    const share = `${((group.length / results.length) * 100).toFixed(1)} %`;
    return [kind, grouped(group.length), share, `${quantile(times, 0.5)} ms`, `${quantile(times, 0.95)} ms`];
  });
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** How long exits that work took, one line a range, from the first to the last that holds any. */
export function histogramLines(
  results: readonly CheckedExit[],
  { width, glyphs }: { readonly width: number; readonly glyphs: Glyphs },
): string[] {
  const counts = bounds.map(() => 0);
  for (const { kind, ms } of results) {
    if (kind !== 'ok') continue;
    const at = bounds.findIndex((bound) => ms <= bound);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  if (most === 0) return [];
  const first = counts.findIndex((count) => count > 0);
  const last = counts.findLastIndex((count) => count > 0);
  const label = (at: number) =>
    bounds[at] === Number.POSITIVE_INFINITY
      ? `> ${grouped(bounds[at - 1] ?? 0)} ms`
      : `≤ ${grouped(bounds[at] ?? 0)} ms`;
  const head = glyphs.parts.length > 1 ? (text: string) => text : (text: string) => text.replace('≤', '<=');
  const room = Math.max(8, Math.min(50, width - 24));
  return counts.slice(first, last + 1).map((count, index) => {
    const bar = barOf(count / most, room, { glyphs, filled: false });
    return `${head(label(first + index)).padStart(12)}  ${bar === '' && count > 0 ? glyphs.parts[0] : bar} ${grouped(count)}`.trimEnd();
  });
}

/** Where there is little room what went wrong is what stays. */
const FAILED: readonly Heading[] = [
  { title: 'FAILED', rank: 0 },
  { title: 'POOL', rank: 4 },
  { title: 'RESULT', rank: 0 },
  { title: 'AFTER', rank: 2 },
  { title: 'ENDPOINT', rank: 3 },
  { title: 'DETAIL', rank: 1, least: 24 },
];

function failedLines(failed: readonly CheckedExit[], screen: Screen): string[] {
  if (failed.length === 0) return [];
  const rows = failed.slice(0, MOST_SHOWN).map(({ exit, pool, endpoint, kind, ms, detail }): Cell[] => {
    return [exit, pool, kind, `${ms} ms`, endpoint, detail];
  });
  const rest = failed.length - rows.length;
  const lines = formatTable(FAILED, rows, screen);
  return rest > 0 ? [...lines, `and ${grouped(rest)} more: see --csv or --json`] : lines;
}

function elsewhereLines(elsewhere: readonly CheckedExit[], screen: Screen): string[] {
  if (elsewhere.length === 0) return [];
  const rows = elsewhere
    .slice(0, MOST_SHOWN)
    .map(({ exit, pool, address, mismatch }): Cell[] => [exit, pool, mismatch, address]);
  const rest = elsewhere.length - rows.length;
  const lines = formatTable(['ELSEWHERE', 'POOL', 'MISMATCH', 'ADDRESS'], rows, screen);
  return rest > 0 ? [...lines, `and ${grouped(rest)} more: see --csv or --json`] : lines;
}

const columns: readonly (keyof CheckedExit)[] = [
  'exit',
  'pool',
  'endpoint',
  'country',
  'asked',
  'kind',
  'detail',
  'dead',
  'ms',
  'status',
  'sent',
  'received',
  'address',
  'seenCountry',
  'seenAsn',
  'mismatch',
];

/** All results as CSV (RFC 4180), with a head. */
export function csvLines(results: readonly CheckedExit[]): string[] {
  return [columns.join(','), ...results.map((result) => columns.map((column) => csvCell(result[column])).join(','))];
}

/** A cell that a spreadsheet would take for a formula is told apart by a quote. */
function csvCell(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = printable(value === null || value === undefined ? '' : String(value));
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
