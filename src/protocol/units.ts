/** What a text means, or what is wrong with it. `message` doesn't quote the text. */
export type Reading<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string };

/** The longest wait that a timer of the runtime can hold (2^31 − 1 ms, above 24 days): beyond it fires at once. */
export const LONGEST_TIMER_MS = 2_147_483_647;

const durations: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** SI prefixes are powers of 1000, IEC 80000-13 prefixes powers of 1024. */
const sizes: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['kB', 1000],
  ['KB', 1000],
  ['MB', 1000 ** 2],
  ['GB', 1000 ** 3],
  ['TB', 1000 ** 4],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
  ['TiB', 1024 ** 4],
]);

/** Reads a duration in whole units, such as `250ms`, `30s`, `10m` or `24h`, as ms. At most LONGEST_TIMER_MS. */
export function parseDuration(text: string): Reading<number> {
  return parse(text, {
    units: durations,
    most: LONGEST_TIMER_MS,
    expected: 'expected a duration such as 250ms, 30s, 10m or 24h',
  });
}

/** Reads a size in whole units, such as `64KiB` or `2GB`, as octets. At most 2^53 − 1, so that it is exact. */
export function parseSize(text: string): Reading<number> {
  return parse(text, { units: sizes, most: Number.MAX_SAFE_INTEGER, expected: 'expected a size such as 64KiB or 2GB' });
}

/** A size in the greatest binary unit that holds it exactly. */
export function formatSize(octets: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = octets;
  let unit = 0;
  while (value > 0 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${units[unit]}`;
}

interface Grammar {
  readonly units: ReadonlyMap<string, number>;
  readonly most: number;
  readonly expected: string;
}

function parse(text: string, { units, most, expected }: Grammar): Reading<number> {
  const [, digits, unit = ''] = /^([0-9]{1,16})([A-Za-z]{1,3})$/.exec(text) ?? [];
  const factor = units.get(unit);
  if (digits === undefined) return { ok: false, message: expected };
  if (factor === undefined) return { ok: false, message: `${expected} (units: ${[...units.keys()].join(', ')})` };
  const value = Number(digits) * factor;
  if (value > most) return { ok: false, message: `${expected}, at most ${Math.floor(most / factor)}${unit}` };
  return { ok: true, value };
}

/** A duration for people: `850 ms`, `12 s`, `34 min`, `5.1 h`, `3 d`. What rounds to the next unit is told in that. */
export function formatSpan(ms: number): string {
  const [whole, seconds, minutes] = [Math.round(ms), Math.round(ms / 1_000), Math.round(ms / 60_000)];
  if (whole < 1_000) return `${whole} ms`;
  if (seconds < 120) return `${seconds} s`;
  if (minutes < 120) return `${minutes} min`;
  const tenths = Math.round(ms / 360_000);
  return tenths < 480 ? `${(tenths / 10).toFixed(1)} h` : `${Math.round(ms / 86_400_000)} d`;
}
