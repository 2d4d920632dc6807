/** Steps from an empty store to the present one; step n leads to `user_version` n. A released step is never changed. Lists and
 *  rules are JSON, since they are only read whole. Times are ms since the epoch. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;

  CREATE TABLE client (
    name TEXT PRIMARY KEY,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    allow_ip TEXT NOT NULL CHECK (json_valid(allow_ip)),
    allow_ip_is_credential INTEGER NOT NULL CHECK (allow_ip_is_credential IN (0, 1)),
    pools TEXT NOT NULL CHECK (json_valid(pools)),
    params TEXT NOT NULL,
    rules TEXT NOT NULL CHECK (json_valid(rules)),
    dialects TEXT NOT NULL CHECK (json_valid(dialects)),
    reply_fields TEXT CHECK (reply_fields IN ('on', 'off')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE secret (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client TEXT NOT NULL REFERENCES client (name) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE INDEX secret_client ON secret (client);
  `,
  `
  ALTER TABLE client ADD COLUMN limits TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(limits));
  `,
  // What operators said of exits, by their ids, whether or not they are in a pool now. No site: everywhere. No end: until told.
  `
  CREATE TABLE exit_state (
    exit TEXT NOT NULL,
    site TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('frozen', 'draining', 'retired')),
    until INTEGER,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (exit, site)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE disabled_pool (
    pool TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE probe_spending (
    day TEXT NOT NULL,
    pool TEXT NOT NULL,
    octets INTEGER NOT NULL,
    PRIMARY KEY (day, pool)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE exit_sighting (
    exit TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('probe', 'check')),
    asked TEXT NOT NULL,
    kind TEXT NOT NULL,
    ms INTEGER NOT NULL,
    address TEXT,
    country TEXT,
    asn TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE client ADD COLUMN quotas TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(quotas));
  `,
];
