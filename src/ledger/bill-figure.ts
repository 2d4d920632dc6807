import { parseCost } from './money.ts';

/** What stands before the decimals of a number; the other one may stand between its thousands. */
export type DecimalMark = '.' | ',';

/** A number as it stands in a bill, without spaces. */
export function bareFigure(written: string): string {
  return written.replace(/\s/g, '');
}

/** The one mark that a bare figure can have its decimals behind; null where it has none, or either is possible: `1,234`. */
export function decimalMarkOf(figure: string): DecimalMark | null {
  const [point, comma] = [figure.lastIndexOf('.'), figure.lastIndexOf(',')];
  if (point < 0 && comma < 0) return null;
  const mark = point > comma ? '.' : ',';
  const other = mark === '.' ? ',' : '.';
  if (figure.includes(other)) return mark;
  if (figure.indexOf(mark) < figure.lastIndexOf(mark)) return other;
  return /^[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}$/.test(figure) ? null : mark;
}

/** A bare figure in units of 10^-21; null where it is no number. */
export function readFigure(figure: string, mark: DecimalMark): bigint | null {
  const text = mark === '.' ? figure : figure.replace(/[.,]/g, (one) => (one === '.' ? ',' : '.'));
  const isGrouped = /^[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?$/.test(text);
  return parseCost(isGrouped ? text.replaceAll(',', '') : text);
}
