import type { Given, OptionSpec } from './command-spec.ts';

/** Rows and lines that can be asked for. */
export const MOST_ROWS = 1_000_000;

/** Whose usage is told, and of what. */
export const bookingFilters: readonly OptionSpec[] = [
  { flags: '--client <name>', describe: 'only this client' },
  { flags: '--tag <tag>', describe: 'only this tag' },
  { flags: '--site <domain>', describe: 'only this site: a registrable domain, such as example.com' },
  { flags: '--pool <name>', describe: 'only exits of this pool' },
];

/** The same, within a time. */
export const usageFilters: readonly OptionSpec[] = [
  ...bookingFilters,
  {
    flags: '--since <when>',
    describe:
      'from then on: 2026-11-01, 2026-11-01T14:00Z, 10m, 12h, 7d; hours count as a whole; the month of --until unless told',
  },
  { flags: '--until <when>', describe: 'until then; now unless told' },
];

/** The site of `--site`: they are booked in lower case. */
export const siteOf = (given: Given): string | undefined => given.text('site')?.toLowerCase();

/** The pool of `--pool`: they are booked in lower case, in whatever case their files name them. */
export const poolOf = (given: Given): string | undefined => given.text('pool')?.toLowerCase();

/** The number of `--limit`, undefined where it isn't given. Throws CommandError. */
export const limitOf = (given: Given): number | undefined =>
  given.count('limit', { most: MOST_ROWS, remedy: 'write it like 100' });
