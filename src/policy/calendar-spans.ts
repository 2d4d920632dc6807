import type { Period } from '../protocol/quota-rule.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** No zone is further from UTC. */
const MOST_OFFSET_MS = 15 * HOUR_MS;

/** From its first ms of the epoch to before its last one. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const FOREVER: Span = Object.freeze({ start: 0, end: Number.POSITIVE_INFINITY });

/** Which part of the calendar a moment belongs to, in time zones: a day may have 23, 24 or 25 hours, and begin at one o'clock. */
export class CalendarSpans {
  readonly #clocks = new Map<string, LocalClock>();
  readonly #last = new Map<string, Span>();

  /** The hour, day, week (from Monday on) or month of `zone` in which `at` lies, in ms of the epoch. Throws RangeError for a zone
   *  that is none. */
  at(period: Period, zone: string, at: number): Span {
    if (period === 'total') return FOREVER;
    const key = `${period} ${zone}`;
    const last = this.#last.get(key);
    if (last !== undefined && at >= last.start && at < last.end) return last;
    const found = spanOf(period, this.#clockOf(zone), at);
    this.#last.set(key, found);
    return found;
  }

  #clockOf(zone: string): LocalClock {
    const known = this.#clocks.get(zone);
    if (known !== undefined) return known;
    const made = new LocalClock(zone);
    this.#clocks.set(zone, made);
    return made;
  }
}

function spanOf(period: Exclude<Period, 'total'>, clock: LocalClock, at: number): Span {
  const local = clock.local(at);
  if (period === 'hour') {
    const start = Math.floor(at / SECOND_MS) * SECOND_MS - remainder(local, HOUR_MS);
    return { start, end: start + HOUR_MS };
  }
  const [first, next] = daysOf(period, Math.floor(local / DAY_MS));
  return { start: clock.firstOf(first), end: clock.firstOf(next) };
}

/** The first day of the period that a day belongs to, and that of the next one; days since 1970-01-01, a Thursday. */
function daysOf(period: 'day' | 'week' | 'month', day: number): readonly [first: number, next: number] {
  if (period === 'day') return [day, day + 1];
  if (period === 'week') {
    const monday = day - remainder(day + 3, 7);
    return [monday, monday + 7];
  }
  const date = new Date(day * DAY_MS);
  const monthOf = (ahead: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + ahead) / DAY_MS;
  return [monthOf(0), monthOf(1)];
}

/** What clocks show in a zone. */
class LocalClock {
  readonly #format: Intl.DateTimeFormat;

  constructor(zone: string) {
    const two = '2-digit';
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
    });
  }

  /** What they show at `at`, to the second, as if it were UTC. */
  local(at: number): number {
    const parts = new Map(this.#format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
    const date = [part('year'), part('month') - 1, part('day')] as const;
    return Date.UTC(...date, part('hour'), part('minute'), part('second'));
  }

  /** The first moment of a day (since 1970-01-01): where its midnight is left out, the one behind. */
  firstOf(day: number): number {
    const midnight = day * DAY_MS;
    let [before, reached] = [midnight - MOST_OFFSET_MS, midnight + MOST_OFFSET_MS];
    while (reached - before > SECOND_MS) {
      const middle = before + Math.floor((reached - before) / (2 * SECOND_MS)) * SECOND_MS;
      if (this.local(middle) >= midnight) reached = middle;
      else before = middle;
    }
    return reached;
  }
}

const remainder = (value: number, by: number): number => ((value % by) + by) % by;
