import { MOST_SITE_BANS } from '../memory/site-bans.ts';
import type { Database, Store } from './database.ts';
import { checkReason } from './reason.ts';
import { badValue, StoreError } from './store-error.ts';

/** States kept at most. */
const MOST_STATES = 200_000;

/** What an operator can say of an exit: it takes nothing, nothing new, or nothing ever again. */
export type ExitStateName = 'frozen' | 'draining' | 'retired';

/** What an operator said of an exit. Times are ms since the epoch. */
export interface ExitState {
  /** Its id. */
  readonly exit: string;
  /** The site that it holds for; null for all. */
  readonly site: string | null;
  readonly state: ExitStateName;
  /** When it ends; null where it doesn't. */
  readonly until: number | null;
  /** Empty where none was given. */
  readonly reason: string;
  readonly since: number;
}

/** One state for several exits. */
export interface NewStates extends Omit<ExitState, 'exit' | 'since'> {
  readonly exits: readonly string[];
}

interface Row extends Omit<ExitState, 'site'> {
  readonly site: string;
}

/** What operators said of exits, by their ids, in the store and at hand. Each change is on the disk when its method returns. The
 *  states of exits that are in no pool are kept for when they come back; where there is no room for more, the oldest of them go.
 *  Everything throws StoreError. */
export class ExitStates {
  readonly #store: Store;
  #byExit: ReadonlyMap<string, readonly ExitState[]>;

  constructor(store: Store) {
    this.#store = store;
    this.#byExit = this.#read();
  }

  /** All that hold, by exit. */
  get byExit(): ReadonlyMap<string, readonly ExitState[]> {
    return this.#byExit;
  }

  /** Those of one exit, that for all sites first. */
  of(exit: string): readonly ExitState[] {
    return this.#byExit.get(exit) ?? [];
  }

  /** Reads what another process may have changed. */
  refresh(): void {
    this.#byExit = this.#read();
  }

  /** Puts exits in a state, in place of the one they had for that site. `isStanding` tells which exits are in a pool. Throws
   *  bad_value (what was said of a retired exit stands until it is thawed, and a reason is short), too_many_states. */
  put({ exits, site, state, until, reason }: NewStates, isStanding: (exit: string) => boolean): void {
    checkReason(reason);
    const retired = exits.find((exit) => this.of(exit).some((one) => one.state === 'retired'));
    if (retired !== undefined && state !== 'retired')
      throw badValue(`exit ${retired} is retired`, `thaw it first: roundabout exit thaw ${retired}`);
    this.#store.write((database) => {
      const put = database.prepare(
        'INSERT INTO exit_state (exit, site, state, until, reason, since) VALUES (?, ?, ?, ?, ?, ?) ' +
          'ON CONFLICT (exit, site) DO UPDATE SET state = excluded.state, until = excluded.until, ' +
          'reason = excluded.reason, since = excluded.since',
      );
      const since = this.#store.now();
      for (const exit of exits) put.run(exit, site ?? '', state, until, reason, since);
      makeRoom(database, isStanding);
    });
    this.refresh();
  }

  /** Ends what was said of exits for one site, or (null) everything. Returns what has ended. */
  end(exits: readonly string[], site: string | null): readonly ExitState[] {
    const ended = exits.flatMap((exit) => this.of(exit)).filter((state) => site === null || state.site === site);
    if (ended.length > 0) this.#delete(ended);
    return ended;
  }

  /** Ends those whose time has come. Returns them. */
  endExpired(): readonly ExitState[] {
    const now = this.#store.now();
    const ended = [...this.#byExit.values()].flat().filter(({ until }) => until !== null && until <= now);
    if (ended.length > 0) this.#delete(ended);
    return ended;
  }

  /** When the next one ends, in ms since the epoch; null where none does. */
  get nextEnd(): number | null {
    let next: number | null = null;
    for (const states of this.#byExit.values())
      for (const { until } of states) if (until !== null && (next === null || until < next)) next = until;
    return next;
  }

  #delete(states: readonly ExitState[]): void {
    this.#store.write((database) => {
      // Another process may have said something else meanwhile.
      const drop = database.prepare('DELETE FROM exit_state WHERE exit = ? AND site = ? AND since = ?');
      for (const { exit, site, since } of states) drop.run(exit, site ?? '', since);
    });
    this.refresh();
  }

  #read(): ReadonlyMap<string, readonly ExitState[]> {
    const rows = this.#store.read((database) => {
      return database.prepare<[], Row>('SELECT * FROM exit_state ORDER BY exit, site').all();
    });
    return Map.groupBy(
      rows.map((row): ExitState => ({ ...row, site: row.site === '' ? null : row.site })),
      ({ exit }) => exit,
    );
  }
}

/** Throws too_many_states where exits that stand need more room than there is. */
function makeRoom(database: Database, isStanding: (exit: string) => boolean): void {
  const countOf = (where: string) =>
    database.prepare<[], number>(`SELECT count(*) FROM exit_state ${where}`).pluck().get() ?? 0;
  if (countOf("WHERE site <> ''") > MOST_SITE_BANS)
    throw new StoreError('too_many_states', {
      detail: `more than ${MOST_SITE_BANS} states that hold for one site can't be kept`,
      remedy: 'thaw some, or freeze exits for all sites',
    });
  const count = countOf('');
  if (count <= MOST_STATES) return;
  const oldest = database.prepare<[], Row>('SELECT * FROM exit_state ORDER BY since').all();
  const leaving = oldest.filter(({ exit }) => !isStanding(exit)).slice(0, count - MOST_STATES);
  if (leaving.length < count - MOST_STATES)
    throw new StoreError('too_many_states', {
      detail: `more than ${MOST_STATES} states of exits can't be kept`,
      remedy: 'take exits that are never to be used out of their pool instead',
    });
  const drop = database.prepare('DELETE FROM exit_state WHERE exit = ? AND site = ?');
  for (const { exit, site } of leaving) drop.run(exit, site);
}
