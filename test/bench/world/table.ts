import type { Score } from './score.ts';

type Column = readonly [name: string, text: (score: Score, oracle: Score | undefined) => string];

const percent = (share: number) => (100 * share).toFixed(1);
const whole = (value: number) => value.toFixed(0);

const columns: readonly Column[] = [
  ['first %', ({ firstTryOk }) => percent(firstTryOk)],
  ['ok %', ({ ok }) => percent(ok)],
  ['p50 ms', ({ p50 }) => whole(p50)],
  ['p95 ms', ({ p95 }) => whole(p95)],
  ['p99 ms', ({ p99 }) => whole(p99)],
  ['s/page', ({ msPerPage }) => (msPerPage / 1_000).toFixed(3)],
  ['of oracle', ({ msPerPage }, oracle) => (oracle ? (oracle.msPerPage / msPerPage).toFixed(2) : '–')],
  ['refusals/1000', ({ refusals }) => refusals.toFixed(1)],
  ['attempts/page', ({ attemptsPerPage }) => attemptsPerPage.toFixed(2)],
  ['exits', ({ distinctExits }) => whole(distinctExits)],
  ['evenness', ({ evenness }) => evenness.toFixed(2)],
];

/** The scores as a table, a line per strategy, those that had an oracle beside them as shares of it. */
export function tableOf(scores: ReadonlyMap<string, Score>): string {
  const oracle = scores.get('oracle');
  const lines = [...scores].map(([strategy, score]) => [strategy, ...columns.map(([, text]) => text(score, oracle))]);
  const table = [['strategy', ...columns.map(([name]) => name)], ...lines];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  const aligned = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return table.map((line) => line.map(aligned).join('  ')).join('\n');
}
