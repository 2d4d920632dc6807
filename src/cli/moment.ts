import { badArgument } from '../admin/command-error.ts';
import { isCalendarDate } from '../protocol/calendar-date.ts';
import { parseDuration } from '../protocol/units.ts';

const DAY_MS = 86_400_000;

/** A moment to come as it is given: after a duration, or at a time; in ms since the epoch, undefined where neither was given. Throws
 *  CommandError. */
export function momentOf(
  { duration, time }: { readonly duration: string | undefined; readonly time: string | undefined },
  now: number,
): number | undefined {
  if (duration !== undefined && time !== undefined)
    throw badArgument('--for', 'an end is given by --until already', 'give one of the two');
  if (duration !== undefined) return now + durationOf(duration);
  return time === undefined ? undefined : timeOf(time);
}

function durationOf(text: string): number {
  const [, days] = /^([1-9][0-9]{0,4})d$/.exec(text) ?? [];
  const read = days === undefined ? parseDuration(text) : { ok: true as const, value: Number(days) * DAY_MS };
  if (read.ok && read.value > 0) return read.value;
  throw badArgument('--for', `"${text}" is no duration`, 'write it like 90s, 10m, 24h or 7d');
}

/** Where no zone is written the time is this machine's. */
function timeOf(text: string): number {
  const [, date, clock] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?))?$/.exec(text) ?? [];
  const time = Date.parse(`${date}T${clock ?? '00:00'}`);
  if (date !== undefined && isCalendarDate(date) && !Number.isNaN(time)) return time;
  throw badArgument(
    '--until',
    `"${text}" is no time`,
    'write it like 2026-12-01, 2026-12-01T08:00 or 2026-12-01T08:00Z',
  );
}
