import { elapsedMs } from '../memory/clock.ts';
import type { ExitRows } from '../memory/exit-rows.ts';
import { GROUP_WORDS, type GroupTable, GroupWord } from '../memory/group-table.ts';
import { type ProviderRows, ProviderWord } from '../memory/provider-rows.ts';
import {
  afterEntry,
  afterFall,
  afterNothing,
  afterProbe,
  afterStall,
  afterSuccess,
  EPOCHS,
  epochOf,
  isOpen,
  State,
  stateOf,
} from './provider-standing.ts';
import { ServedSites } from './served-sites.ts';

/** Failures of before this count no more, in ms. */
const WINDOW_MS = 10_000;

/** What has worked at other sites within this time, in ms, isn't taken down by what fails at one alone. */
const SERVED_MS = 60_000;

/** A step of the ramp whose attempts don't come back lets in others after this, in ms. */
const STALL_MS = 15_000;

/** Sessions that must fail in a row where each failure is the provider's own; … */
const SURE = 3;
/** … where it may be that of what stands behind it, as many as fail by chance once in a thousand million times; … */
const CHANCE = 1e-9;
/** … within these bounds, and no more than this share of a provider's exits, where there are few; … */
const LEAST_UNSURE = 3;
const MOST_UNSURE = 10;
const OF_ITS_EXITS = 0.6;
/** … while at least this share of failures is taken for ordinary; … */
const ORDINARY = 0.02;
/** … and while it comes back. */
const RELAPSE = 3;

/** Sessions are told apart by a bit each: those whose failure is the provider's own by the lower eight, others by the rest. */
const SURE_BITS = 8;
const UNSURE_BITS = 24;
const SURE_MASK = 2 ** SURE_BITS - 1;

/** There is no entry: the provider doesn't serve. */
export const NO_ENTRY = -1;

/** How an attempt failed, as far as its provider is concerned. */
export interface ProviderFailure {
  /** Tells the attempt's session from others of the provider. */
  readonly session: number;
  /** Whether only the provider itself can fail so. */
  readonly sure: boolean;
  /** The row of the site that the attempt was for, -1 for none. */
  readonly site: number;
  /** When others last reached the origin that the attempt was for; null where none lately did. */
  readonly othersWorkedAt: number | null;
  /** What happened, as a number that is kept. */
  readonly why: number;
  readonly now: number;
}

interface Suspicion {
  readonly state: State;
  /** Sessions that failed since the provider last worked. */
  readonly suspects: number;
  readonly failure: ProviderFailure;
}

/** How the providers stand that carry exits: up; down, where several sessions in a row failed; recovering, once a probe came through,
 *  while a number of attempts at once that doubles as they work may show that it serves again. One dead session is never enough:
 *  it counts once. For all threads, over shared memory; what belongs to no provider always stands. */
export class ProviderHealth {
  readonly rows: ProviderRows;
  readonly #exits: ExitRows;
  readonly #groups: GroupTable;
  readonly #served: ServedSites;

  constructor(tables: { readonly rows: ExitRows; readonly groups: GroupTable; readonly providers: ProviderRows }) {
    this.rows = tables.providers;
    this.#exits = tables.rows;
    this.#groups = tables.groups;
    this.#served = new ServedSites(tables.providers.length);
  }

  /** Whether any provider doesn't serve, or not yet all: otherwise nobody needs to ask about exits. */
  get anyClosed(): boolean {
    return this.rows.anyClosed;
  }

  /** Whether an attempt over the exit might begin now. */
  isOpen(slot: number): boolean {
    return isOpen(this.rows.seen(this.providerOf(slot)));
  }

  /** Whether the exit's provider is down, so that it needn't be remembered. */
  isDown(slot: number): boolean {
    return stateOf(this.rows.seen(this.providerOf(slot))) === State.down;
  }

  /** The row of the exit's provider. */
  providerOf(slot: number): number {
    return this.#groups.providerOf(this.#exits.groupOf(slot));
  }

  /** Lets an attempt over the exit in. Returns its entry, for exactly one of `worked`, `failed` and `left`; NO_ENTRY where it may not
   *  begin. */
  enter(slot: number): number {
    const row = this.providerOf(slot);
    for (;;) {
      const word = this.rows.get(row, ProviderWord.standing);
      const next = afterEntry(word);
      if (next === null) return NO_ENTRY;
      if (next === word || this.#swap(row, word, next)) return row * EPOCHS + epochOf(word);
    }
  }

  /** The provider did its part, for an attempt at `site`: its row, -1 for none. */
  worked(entry: number, site: number, now: number): void {
    const row = Math.floor(entry / EPOCHS);
    this.#served.note(row, site, now);
    if (this.rows.get(row, ProviderWord.suspects) !== 0) this.rows.set(row, ProviderWord.suspects, 0);
    for (;;) {
      const word = this.rows.get(row, ProviderWord.standing);
      const next = epochOf(word) === entry % EPOCHS ? afterSuccess(word) : word;
      if (next === word) return;
      if (!this.#swap(row, word, next)) continue;
      if (stateOf(next) === State.up) this.rows.closed(-1);
      this.rows.set(row, ProviderWord.since, now);
      return;
    }
  }

  /** The attempt ended without a word on the provider. */
  left(entry: number): void {
    const row = Math.floor(entry / EPOCHS);
    for (;;) {
      const word = this.rows.get(row, ProviderWord.standing);
      const next = epochOf(word) === entry % EPOCHS ? afterNothing(word) : word;
      if (next === word || this.#swap(row, word, next)) return;
    }
  }

  /** The attempt failed. */
  failed(entry: number, failure: ProviderFailure): void {
    const row = Math.floor(entry / EPOCHS);
    const word = this.rows.get(row, ProviderWord.standing);
    const state = stateOf(word);
    if (this.rows.get(row, ProviderWord.carries) === 0 || epochOf(word) !== entry % EPOCHS) return;
    const suspects = this.#suspect(row, state, failure);
    if (this.#isTooMany(row, { state, suspects, failure })) this.#fall(row, failure);
    else if (state === State.recovering) this.left(entry);
  }

  /** A probe came through: a provider that is down begins to recover. */
  probed(row: number, now: number): void {
    const word = this.rows.get(row, ProviderWord.standing);
    if (stateOf(word) !== State.down) return;
    this.rows.set(row, ProviderWord.suspects, 0);
    this.rows.set(row, ProviderWord.since, now);
    this.#swap(row, word, afterProbe(word));
  }

  /** Control thread, now and then: gives the places of attempts that never came back, as of a thread that died, to others. */
  unstall(row: number, now: number): void {
    const word = this.rows.get(row, ProviderWord.standing);
    if (stateOf(word) !== State.recovering || elapsedMs(now, this.rows.get(row, ProviderWord.since)) <= STALL_MS)
      return;
    if (afterStall(word) !== word && this.#swap(row, word, afterStall(word)))
      this.rows.set(row, ProviderWord.since, now);
  }

  /** Whether any provider of these pools (by number) lets an attempt in now: `open`; `full`, where one that comes back will soon; or
   *  `down`. Pools without exits are open. */
  wayInto(pools: readonly number[]): 'open' | 'full' | 'down' {
    if (!this.anyClosed) return 'open';
    let found: 'open' | 'full' | 'down' = 'open';
    for (const row of this.rows.standing()) {
      if (!pools.includes(this.rows.get(row, ProviderWord.pool) - 1)) continue;
      const word = this.rows.seen(row);
      if (isOpen(word)) return 'open';
      if (found !== 'full') found = stateOf(word) === State.down ? 'down' : 'full';
    }
    return found;
  }

  /** Whether one of these pools (by number) has a provider that lets an attempt in now, beside these. */
  hasOther(pools: readonly number[], besides: readonly number[]): boolean {
    for (const row of this.rows.standing()) {
      if (!pools.includes(this.rows.get(row, ProviderWord.pool) - 1) || besides.includes(row)) continue;
      if (isOpen(this.rows.seen(row))) return true;
    }
    return false;
  }

  /** The row of what carries the exit among others; 0 where it has a way of its own. */
  carrierOf(slot: number): number {
    const row = this.providerOf(slot);
    return this.rows.get(row, ProviderWord.carries) === 1 ? row : 0;
  }

  /** Notes a failed session; returns all that failed since the provider last worked. */
  #suspect(row: number, state: State, { session, sure, site, now }: ProviderFailure): number {
    const hash = Math.imul(session ^ (session >>> 15), 0x2c1b_3c6d) >>> 8;
    const bit = sure ? 1 << (hash % SURE_BITS) : 1 << (SURE_BITS + (hash % UNSURE_BITS));
    const known = this.rows.get(row, ProviderWord.suspects);
    const isOld = elapsedMs(now, this.rows.get(row, ProviderWord.since)) > WINDOW_MS;
    const isFirst = state === State.up && (known === 0 || isOld);
    const suspects = isFirst ? bit : known | bit;
    if (isFirst) this.rows.set(row, ProviderWord.since, now);
    const where = site + 1;
    if (known === 0 || isFirst) this.rows.set(row, ProviderWord.suspectSite, where);
    else if (this.rows.get(row, ProviderWord.suspectSite) !== where) this.rows.set(row, ProviderWord.suspectSite, 0);
    if (suspects !== known) this.rows.set(row, ProviderWord.suspects, suspects);
    return suspects;
  }

  #isTooMany(row: number, { state, suspects, failure }: Suspicion): boolean {
    if (state === State.down) return false;
    const isBack = state === State.recovering;
    if (failure.sure && (isBack || bitsOf(suspects & SURE_MASK) >= SURE)) return true;
    if (bitsOf(suspects) < (isBack ? RELAPSE : this.#unsure(row))) return false;
    // Or it may be the origin that is down: others must have reached it since.
    const { othersWorkedAt } = failure;
    if (othersWorkedAt === null || ((othersWorkedAt - this.rows.get(row, ProviderWord.since)) | 0) < 0) return false;
    return !this.#isSitesOwn(row, failure);
  }

  /** Or it may be the one site that refuses what comes by this provider: it serves others. */
  #isSitesOwn(row: number, { site, now }: ProviderFailure): boolean {
    const isOneSite = site >= 0 && this.rows.get(row, ProviderWord.suspectSite) === site + 1;
    return isOneSite && now - this.#served.workedBesides(row, site) < SERVED_MS;
  }

  /** How many sessions in a row must fail for it, by the share that fails ordinarily. */
  #unsure(row: number): number {
    const works = this.#groups.floats[row * GROUP_WORDS + GroupWord.worksLong] as number;
    const fails = Math.min(0.9, Math.max(ORDINARY, 1 - works));
    const exits = this.rows.get(row, ProviderWord.exits);
    // A single one mints its sessions, and has no end of them.
    const most = exits > 1 ? Math.min(MOST_UNSURE, Math.ceil(exits * OF_ITS_EXITS)) : MOST_UNSURE;
    return Math.max(LEAST_UNSURE, Math.min(most, Math.ceil(Math.log(CHANCE) / Math.log(fails))));
  }

  #fall(row: number, { why, now }: ProviderFailure): void {
    for (;;) {
      const word = this.rows.get(row, ProviderWord.standing);
      const state = stateOf(word);
      if (state === State.down) return;
      if (!this.#swap(row, word, afterFall(word))) continue;
      if (state === State.up) this.rows.closed(1);
      this.rows.set(row, ProviderWord.why, why);
      this.rows.set(row, ProviderWord.since, now);
      this.rows.set(row, ProviderWord.suspects, 0);
      return;
    }
  }

  #swap(row: number, expected: number, value: number): boolean {
    return this.rows.swap(row, ProviderWord.standing, { expected, value });
  }
}

function bitsOf(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
