import { paceOf } from '../../memory/gcra.ts';
import type { Limit } from '../../policy/limit-book.ts';
import type { LimitCell } from '../../policy/limit-cells.ts';
import { type LimitCounts, NONE_LEFT, TAKEN } from '../../policy/limit-counts.ts';
import type { LimitedAccount } from '../../pool/limited-accounts.ts';
import type { PoolRegistry } from '../../pool/registry.ts';

/** Of what an account may begin in a second so much may come at once: a vendor that counts by the second sees hardly more. */
const BURST = 0.1;

/** Nothing is held, of an account that isn't limited or not in what it does at once. */
const NOTHING_HELD = -1;

/** Asked of an account: `place` gives back what was taken; `full`, or there is no room to count it. */
export type AccountEntry = { readonly place: number } | 'full' | 'no_room';

const FREE: AccountEntry = Object.freeze({ place: NOTHING_HELD });

interface AccountTerms {
  /** Attempts under way at once, and those that begin; null where that isn't limited. */
  readonly atOnce: LimitCell | null;
  readonly rate: LimitCell | null;
}

export interface VendorAccountsOptions {
  readonly registry: PoolRegistry;
  readonly counts: LimitCounts;
  readonly now: () => number;
}

/** Counts attempts against the vendors' accounts that their exits are minted from, over all threads. */
export class VendorAccounts {
  readonly #options: VendorAccountsOptions;
  readonly #terms = new WeakMap<LimitedAccount, AccountTerms>();

  constructor(options: VendorAccountsOptions) {
    this.#options = options;
  }

  /** Whether any account is limited. */
  get any(): boolean {
    return this.#options.registry.limitsAccounts;
  }

  /** The limited account that the exit in `slot` counts against; null for none. */
  of(slot: number): LimitedAccount | null {
    return this.#options.registry.limitedAccountOf(slot);
  }

  /** Whether the account is at its limit, as it looks now. */
  isFull(account: LimitedAccount): boolean {
    const { counts, now } = this.#options;
    const { atOnce, rate } = this.#termsOf(account);
    const at = now();
    return [atOnce, rate].some((cell) => cell !== null && counts.figure(cell, at).left === 0);
  }

  /** Whether every exit of these pools is of an account at its limit. */
  areAllFull(pools: readonly string[]): boolean {
    const { registry } = this.#options;
    const accounts = pools.flatMap((pool) => [...registry.limitedAccountsIn(pool)]);
    return accounts.length > 0 && accounts.every((account) => account !== null && this.isFull(account));
  }

  /** Begins an attempt over the exit in `slot`, exactly: what isn't let in hasn't counted. */
  take(slot: number): AccountEntry {
    const account = this.of(slot);
    if (account === null) return FREE;
    const { counts, now } = this.#options;
    const { atOnce, rate } = this.#termsOf(account);
    const at = now();
    const place = atOnce === null ? FREE : entryOf(counts.take(atOnce, at));
    if (typeof place === 'string' || rate === null) return place;
    const begun = entryOf(counts.take(rate, at));
    if (typeof begun !== 'string') return place;
    counts.giveBack(place.place);
    return begun;
  }

  /** An attempt has ended. */
  giveBack(place: number): void {
    this.#options.counts.giveBack(place);
  }

  /** The attempt over the exit in `slot` was not begun after all. */
  undo(slot: number, place: number): void {
    this.giveBack(place);
    const account = this.of(slot);
    const rate = account === null ? null : this.#termsOf(account).rate;
    if (rate !== null) this.#options.counts.refund(rate);
  }

  #termsOf(account: LimitedAccount): AccountTerms {
    const known = this.#terms.get(account);
    if (known !== undefined) return known;
    const terms = termsOf(account, this.#options.counts);
    this.#terms.set(account, terms);
    return terms;
  }
}

function termsOf({ key: account, limits }: LimitedAccount, counts: LimitCounts): AccountTerms {
  const { concurrency, perSecond } = limits;
  const key = `account\n${account}`;
  const common = { name: 'account', perSite: false, owner: '' } as const;
  const cellOf = (limit: Limit): LimitCell => counts.cellOf(limit);
  const atOnce =
    concurrency === null ? null : cellOf({ ...common, kind: 'exchanges', key, most: concurrency, pace: null });
  if (perSecond === null) return { atOnce, rate: null };
  const burst = Math.max(1, Math.floor(perSecond * BURST));
  const pace = paceOf({ count: perSecond, windowMs: 1_000, burst });
  const rate = cellOf({ ...common, kind: 'requests', key: `${key}\n${perSecond}`, most: burst, pace });
  return { atOnce, rate };
}

function entryOf(taken: number): AccountEntry {
  if (taken >= TAKEN) return { place: taken };
  return taken === NONE_LEFT ? 'full' : 'no_room';
}
