import type { Fields } from './fields.ts';

/** Longer than this nobody is asked to wait: what says more is a mistake or a trap. */
const LONGEST_MS = 24 * 3_600_000;

/** IMF-fixdate (RFC 9110 §5.6.7), the one form that may be sent; Date.parse alone would take almost anything for a date. */
const datePattern = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** What a response's Retry-After asks for (RFC 9110 §10.2.3), in ms, at most a day; null where there is none or it can't be read.
 *  A date counts from the response's own Date, so that neither clock need be right. */
export function retryAfterOf(fields: Pick<Fields, 'get'>): number | null {
  const value = fields.get('retry-after');
  if (value === undefined) return null;
  if (/^\d{1,10}$/.test(value)) return Math.min(LONGEST_MS, Number(value) * 1000);
  const until = parseDate(value);
  const from = parseDate(fields.get('date') ?? '');
  return until === null || from === null ? null : Math.min(LONGEST_MS, Math.max(0, until - from));
}

function parseDate(text: string): number | null {
  const at = datePattern.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
