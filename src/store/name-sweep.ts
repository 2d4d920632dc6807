import type { Database } from './database.ts';

/** What bears the numbers of names, in the order in which rows move from one to the other: one that moves ahead of the look has been
 *  seen, or will be. */
export const nameBearers = {
  hour_total: { key: ['at', 'client', 'tag', 'pool', 'kind', 'country'], names: ['client', 'tag', 'kind', 'country'] },
  hour_pair: { key: ['at', 'client', 'site', 'tag', 'pool', 'kind'], names: ['client', 'site', 'tag', 'kind'] },
  day_total: { key: ['at', 'client', 'tag', 'pool', 'kind', 'country'], names: ['client', 'tag', 'kind', 'country'] },
  day_pair: { key: ['at', 'client', 'site', 'tag', 'pool', 'kind'], names: ['client', 'site', 'tag', 'kind'] },
  day_site: { key: ['at', 'site', 'pool', 'kind'], names: ['site', 'kind'] },
} as const;

/** Rows that one step looks at. */
const STEP_ROWS = 2_000;

type Row = Readonly<Record<string, number>>;

/** Takes away names that no bucket bears any more, in small steps between which bookings come in: first it notes the numbers that are
 *  borne, table by table, then it drops the others. Whoever gives a number out meanwhile says so by `keep`. */
export class NameSweep {
  readonly #kept: Uint8Array;
  /** Numbers beyond came later. */
  readonly #most: number;
  readonly #looks = Object.entries(nameBearers).map(([table, { key, names }]) => new Look(table, key, names));
  #dropped = 0;

  /** `always`: a text that is kept in any case. */
  constructor(database: Database, always: string) {
    this.#most = Number(database.prepare('SELECT coalesce(max(id), 0) FROM name').pluck().get());
    this.#kept = new Uint8Array((this.#most >> 3) + 1);
    const id = database.prepare('SELECT id FROM name WHERE text = ?').pluck().get(always);
    if (typeof id === 'number') this.keep(id);
  }

  /** Whether the next step changes nothing. */
  get onlyReads(): boolean {
    return this.#looks.length > 0;
  }

  /** This name is, or is about to be, borne. */
  readonly keep = (id: number): void => {
    const at = id >> 3;
    if (id <= this.#most) this.#kept[at] = (this.#kept[at] ?? 0) | (1 << (id & 7));
  };

  /** Returns the numbers that were dropped; null once there is no more to do. */
  step(database: Database): readonly number[] | null {
    const [look] = this.#looks;
    if (look !== undefined) {
      if (!look.step(database, this.keep)) this.#looks.shift();
      return [];
    }
    const sql = 'SELECT id FROM name WHERE id > ? ORDER BY id LIMIT ?';
    const ids = database.prepare<unknown[], number>(sql).pluck().all(this.#dropped, STEP_ROWS);
    const last = ids.at(-1);
    if (last === undefined) return null;
    const idle = ids.filter((id) => !this.#isKept(id));
    database.prepare('DELETE FROM name WHERE id IN (SELECT value FROM json_each(?))').run(JSON.stringify(idle));
    this.#dropped = last;
    return idle;
  }

  #isKept(id: number): boolean {
    return id > this.#most || ((this.#kept[id >> 3] ?? 0) & (1 << (id & 7))) !== 0;
  }
}

/** A look at all rows of one table, in the order of their keys. */
class Look {
  readonly #sql: string;
  readonly #key: readonly string[];
  readonly #names: readonly string[];
  #last: readonly number[];

  constructor(table: string, key: readonly string[], names: readonly string[]) {
    const list = key.join(', ');
    const places = key.map(() => '?').join(', ');
    this.#sql = `SELECT ${list} FROM ${table} WHERE (${list}) > (${places}) ORDER BY ${list} LIMIT ${STEP_ROWS}`;
    this.#key = key;
    this.#names = names;
    this.#last = key.map(() => -1);
  }

  /** Returns whether there may be more. */
  step(database: Database, seen: (name: number) => void): boolean {
    const rows = database.prepare<unknown[], Row>(this.#sql).all(...this.#last);
    for (const row of rows) for (const name of this.#names) seen(row[name] ?? 0);
    const last = rows.at(-1);
    if (last === undefined) return false;
    this.#last = this.#key.map((column) => last[column] ?? 0);
    return rows.length === STEP_ROWS;
  }
}
