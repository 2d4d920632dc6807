import { type Figures, type Goal, judge, ratiosOf, type Series, type Spread, spreadOf } from './figures.ts';

/** One figure as it is written everywhere: three digits that count. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 0.1 ? 2 : 3);
}

/** A Markdown table of one row's figures: for each proxy its least, median and greatest, and the first one's ratio to it, round
 *  by round; then the goals, then the notes. */
export function tableOf({ title, unit, series, goals, notes }: Figures): string {
  const [first] = series;
  if (first === undefined) return `### ${title}\n\n${notes.map((note) => `- ${note}\n`).join('')}`;
  const lines = [
    `### ${title} (${unit})`,
    '',
    `| | min | median | max | ${first.peer} ÷ it: min | median | max |`,
    '|---|---:|---:|---:|---:|---:|---:|',
    ...series.map((one) => `| ${[one.peer, ...cells(spreadOf(one.samples)), ...ratioCells(first, one)].join(' | ')} |`),
    '',
    ...goals.map((goal) => `- ${goalText(goal, series)}`),
    ...notes.map((note) => `- ${note}`),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function cells(spread: Spread | null): string[] {
  if (spread === null) return ['–', '–', '–'];
  return [spread.least, spread.median, spread.greatest].map(numberText);
}

function ratioCells(first: Series, one: Series): string[] {
  if (one === first) return ['', '', ''];
  return cells(spreadOf(ratiosOf(first, one)));
}

/** A goal and how it stands, in one line. */
export function goalText(goal: Goal, series: readonly Series[]): string {
  const what = goal.over === undefined ? goal.peer : `${goal.peer} ÷ ${goal.over}`;
  const bound = goal.atMost === undefined ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
  const verdict = judge(goal, series);
  if (verdict === null) return `goal ${what} ${bound}: not measured`;
  return `goal ${what} ${bound}: ${numberText(verdict.figure.median)}, ${verdict.met ? 'met' : 'missed'}`;
}
