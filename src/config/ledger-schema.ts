import * as t from './schema-terms.ts';

const HOUR_MS = 3_600_000;

/** Whole days, which no timer has to hold. */
function days(initial: string, most: number) {
  const description = `a number of days from 1d to ${most}d`;
  return t.meaning(
    description,
    (text) => {
      const [, digits = ''] = /^([1-9][0-9]{0,4})d$/.exec(text) ?? [];
      const count = Number(digits);
      return digits !== '' && count <= most
        ? { ok: true, value: count * 24 * HOUR_MS }
        : { ok: false, message: `expected ${description}` };
    },
    initial,
  );
}

/** How the ledger is kept. */
export const ledger = t.section({
  enabled: t.flag(true),
  keep: days('90d', 36_500),
  hours: days('2d', 366),
  exchanges: t.whole(0, 10_000_000, 100_000),
  pairs: t.whole(100, 10_000_000, 100_000),
});
