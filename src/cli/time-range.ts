import { badArgument } from '../admin/command-error.ts';
import { isCalendarDate } from '../protocol/calendar-date.ts';

const HOUR_MS = 3_600_000;

/** `2026-11-01`. */
const DATE_LETTERS = 10;

const unitsMs: ReadonlyMap<string, number> = new Map([
  ['m', 60_000],
  ['h', HOUR_MS],
  ['d', 24 * HOUR_MS],
  ['w', 7 * 24 * HOUR_MS],
]);

/** Hours of the Unix epoch, from the first to before the second. */
export interface HourRange {
  readonly since: number;
  readonly until: number;
}

/** Those that were asked for. */
export interface AskedRange extends HourRange {
  /** Whether one of the two was told to the minute, so that more is covered than whoever wrote it may think. */
  readonly isByMinute: boolean;
}

/** The hours that `--since` and `--until` name. Unless told they end now, and begin with the month in which they end, or with this
 *  one where they end later. Each is a moment (`2026-11-01`, `2026-11-01T14:00Z`; UTC unless it says otherwise), or so long ago
 *  (`10m`, `12h`, `7d`, `4w`); hours count as a whole. Throws CommandError. */
export function rangeOf(since: string | undefined, until: string | undefined, now: number): AskedRange {
  const current = Math.floor(now / HOUR_MS);
  const end = until === undefined ? null : momentOf('--until', until, now);
  const to = end === null ? current + 1 : Math.ceil(end.moment / HOUR_MS);
  const begin = since === undefined ? null : momentOf('--since', since, now);
  const from = begin === null ? monthOf(Math.min(current, to - 1)) : Math.floor(begin.moment / HOUR_MS);
  const isByMinute = [begin, end].some((one) => one?.isByMinute === true);
  if ((begin?.moment ?? 0) < (end?.moment ?? Number.POSITIVE_INFINITY) && from < to)
    return { since: from, until: to, isByMinute };
  throw badArgument('--until', 'is not after --since', 'name a later moment');
}

/** The hour in which the month of an hour begins. */
function monthOf(hour: number): number {
  const date = new Date(hour * HOUR_MS);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) / HOUR_MS;
}

interface Moment {
  /** In ms since the epoch. */
  readonly moment: number;
  readonly isByMinute: boolean;
}

function momentOf(option: string, text: string, now: number): Moment {
  const [, count = '', unit = ''] = /^([0-9]{1,5})([mhdw])$/.exec(text) ?? [];
  const ago = unitsMs.get(unit);
  if (ago !== undefined) return { moment: now - Number(count) * ago, isByMinute: unit === 'm' };
  const iso = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}(?::[0-9]{2}){0,2}(Z|[+-][0-9]{2}:[0-9]{2})?)?$/.exec(text);
  const moment = Date.parse(text.includes('T') && iso?.[1] === undefined ? `${text}Z` : text);
  if (iso !== null && isCalendarDate(text.slice(0, DATE_LETTERS)) && moment >= 0)
    return { moment, isByMinute: moment % HOUR_MS !== 0 };
  throw badArgument(
    option,
    `"${text}" is no moment`,
    'write it like 2026-11-01, 2026-11-01T14:00Z, 10m, 12h, 7d or 4w',
  );
}

/** The begin of an hour of the epoch, as `2026-11-01 14:00`. */
export function hourText(hour: number): string {
  return new Date(hour * HOUR_MS).toISOString().slice(0, 16).replace('T', ' ');
}

/** The day of an hour of the epoch, as `2026-11-01`. */
export function dayText(hour: number): string {
  return new Date(hour * HOUR_MS).toISOString().slice(0, 10);
}
