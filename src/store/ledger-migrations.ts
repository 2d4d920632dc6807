/** Figures of a bucket; see BookedFigures in ledger/booking.ts. Sums of whole numbers: none is ever negative. */
const figures = `
  exchanges INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  sent INTEGER NOT NULL,
  received INTEGER NOT NULL,
  ms INTEGER NOT NULL`;

const table = (name: string, ...keys: readonly string[]): string => `
  CREATE TABLE ${name} (
  ${keys.map((key) => `${key} INTEGER NOT NULL`).join(', ')},${figures},
  PRIMARY KEY (${keys.join(', ')})
  ) STRICT, WITHOUT ROWID;`;

const totals = ['at', 'client', 'tag', 'pool', 'kind', 'country'] as const;
const pairs = ['at', 'client', 'site', 'tag', 'pool', 'kind'] as const;

/** Steps to the present ledger; see migrations.ts. Texts stand once, in `name`; buckets hold their numbers. `at` is the hour of
 *  the Unix epoch in which a bucket begins (UTC). Hours become days when they are some days old. Prices are in millionths of a
 *  millionth, and a pool has another number when its terms change. A line of `log` holds what one worker posted at once. */
export const ledgerMigrations: readonly string[] = [
  `
  CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

  CREATE TABLE pool (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    tier TEXT NOT NULL,
    per_gb INTEGER NOT NULL,
    per_request INTEGER NOT NULL,
    per_ip_month INTEGER NOT NULL,
    currency TEXT NOT NULL,
    UNIQUE (name, tier, per_gb, per_request, per_ip_month, currency)
  ) STRICT;

  CREATE TABLE log (id INTEGER PRIMARY KEY, lines INTEGER NOT NULL, content TEXT NOT NULL) STRICT;
  ${table('hour_total', ...totals)}
  ${table('hour_pair', ...pairs)}
  ${table('day_total', ...totals)}
  ${table('day_pair', ...pairs)}
  ${table('day_site', 'at', 'site', 'pool', 'kind')}
  `,
  // The most exits that a pool had on a day, where they cost by the month; `pool` is its terms.
  `
  CREATE TABLE day_held (
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    pool INTEGER NOT NULL REFERENCES pool (id),
    exits INTEGER NOT NULL,
    PRIMARY KEY (at, name)
  ) STRICT, WITHOUT ROWID;
  `,
  // Lines are octets, and a text above them names whom they were booked to. Those that are texts stay what they are, without one.
  `
  CREATE TABLE line_batch (
    id INTEGER PRIMARY KEY,
    lines INTEGER NOT NULL,
    head TEXT NOT NULL,
    content ANY NOT NULL
  ) STRICT;
  INSERT INTO line_batch SELECT id, lines, '', content FROM log;
  DROP TABLE log;
  ALTER TABLE line_batch RENAME TO log;
  `,
];
