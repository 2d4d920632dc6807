import type { Account, AccountName, QuotaCounts } from '../policy/quota-counts.ts';
import type { KeptQuota, QuotaName, QuotaStore } from '../store/quota-store.ts';
import { StoreError } from '../store/store-error.ts';

/** How often what has changed is kept, in ms: this is what a kill can lose of what was counted. */
const SAVE_MS = 500;

/** … and while that fails. */
const RETRY_MS = 2_000;

/** Counts whose period was over before so long are not read at the start, in ms, but when a clock that was put back meets them. */
const RECENT_MS = 48 * 3_600_000;

/** In so many rounds counts that are gone from memory are let go. */
const ROUNDS_PER_TIDY = 120;

/** How it is to keep what was used. */
export interface QuotaHealth {
  /** Why it can't be kept now; null where it can. */
  readonly fault: string | null;
  readonly failedWrites: number;
}

export interface QuotaKeeperOptions {
  readonly store: Pick<QuotaStore, 'endingAfter' | 'find' | 'save' | 'close'>;
  /** The control thread's view of what all threads count. */
  readonly counts: QuotaCounts;
  readonly wallTime: () => number;
  readonly warn: (line: string) => void;
}

const nothing = { spent: 0n, toldSoft: 0, toldHard: 0 } as const;

/** Keeps on the disk what clients have used of their quotas, and brings it back: before the workers start, or when they meet a period
 *  that wasn't. Quotas are decided by what is in memory, so that a store which can't be written stops nobody and opens nothing. */
export class QuotaKeeper {
  readonly #options: QuotaKeeperOptions;
  /** Those that are in memory, by client, name and beginning. */
  readonly #known = new Map<string, Account>();
  /** What is still to be brought back, because it could not be read when it was met; as those. */
  readonly #unread = new Map<string, AccountName>();
  /** Quotas that have begun a period which the disk doesn't know, by client and name: it need not keep all their former ones. */
  readonly #outgrown = new Map<string, QuotaName>();
  #timer: NodeJS.Timeout;
  #rounds = 0;
  #fault: string | null = null;
  #failedWrites = 0;

  /** Throws StoreError where what was used can't be read. */
  constructor(options: QuotaKeeperOptions) {
    this.#options = options;
    const { store, wallTime } = options;
    for (const kept of store.endingAfter(wallTime() - RECENT_MS)) this.#bring(nameOf(kept), kept);
    this.#timer = this.#later(SAVE_MS);
  }

  get health(): QuotaHealth {
    return { fault: this.#fault, failedWrites: this.#failedWrites };
  }

  /** A worker has met a count that memory didn't hold: what the disk knows is added to what was counted since. */
  met(account: AccountName): void {
    // While one can't be read the others wait as well: each would be tried in vain, and thousands are met at the turn of an hour.
    if (this.#unread.size > 0) this.#unread.set(keyOf(account), account);
    else this.#read(account);
  }

  /** Begins these counts anew, now and on the disk, where that survives a power cut. Throws StoreError where that isn't kept; where what
   *  the disk knows can't be read, nothing has begun anew. */
  reset(accounts: readonly Account[]): void {
    // Or what the disk knows would be added afterwards.
    for (const account of accounts) if (!this.#read(account)) throw this.#unavailable();
    for (const account of accounts) this.#options.counts.clear(account);
    if (!this.save({ isDurable: true })) throw this.#unavailable();
  }

  /** Brings back what could not be read when it was met, as long as that goes well. */
  read(): void {
    for (const account of this.#unread.values()) if (!this.#read(account)) return;
  }

  /** Keeps what has changed. Returns whether that could be done. */
  save({ isDurable = false } = {}): boolean {
    const { counts, store, warn } = this.#options;
    const changed: { readonly account: Account; readonly kept: KeptQuota }[] = [];
    for (const account of this.#known.values()) {
      const state = counts.takeChange(account);
      if (state !== null) changed.push({ account, kept: keptOf(account, state) });
    }
    if (changed.length === 0) return this.#fault === null;
    try {
      const outgrown = this.#outgrown.values();
      store.save(
        changed.map(({ kept }) => kept),
        { outgrown, isDurable },
      );
    } catch (cause) {
      for (const { account } of changed) counts.unsaved(account);
      this.#failed(cause);
      return false;
    }
    if (this.#fault !== null) warn('what clients use of their quotas is kept again, and nothing of it was lost');
    this.#fault = null;
    this.#outgrown.clear();
    return true;
  }

  /** Keeps the last of it. */
  close(): void {
    clearTimeout(this.#timer);
    this.save();
    this.#options.store.close();
  }

  #round(): void {
    this.#rounds += 1;
    this.read();
    this.save();
    if (this.#rounds % ROUNDS_PER_TIDY === 0) this.#tidy();
    this.#timer = this.#later(this.#fault === null ? SAVE_MS : RETRY_MS);
  }

  #later(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#round(), ms).unref();
  }

  #tidy(): void {
    for (const [key, account] of this.#known) if (!this.#options.counts.holds(account)) this.#known.delete(key);
  }

  /** False where that fails: then it is its turn again behind the others. */
  #read(account: AccountName): boolean {
    const key = keyOf(account);
    this.#unread.delete(key);
    try {
      const { client, name, start } = account;
      const kept = this.#options.store.find(client, name, start);
      if (kept === null && !this.#known.has(key)) this.#outgrown.set(`${client}\n${name}`, { client, name });
      this.#bring(account, kept);
      return true;
    } catch (cause) {
      this.#unread.set(key, account);
      this.#failed(cause);
      return false;
    }
  }

  #bring(name: AccountName, kept: KeptQuota | null): void {
    const { counts } = this.#options;
    const account = counts.accountAt(name);
    counts.restore(account, kept ?? nothing);
    this.#known.set(keyOf(name), account);
  }

  #unavailable(): StoreError {
    return new StoreError('unavailable', { detail: this.#fault ?? '', remedy: 'see "roundabout health"' });
  }

  #failed(cause: unknown): void {
    const fault = cause instanceof StoreError ? cause.message : String(cause);
    this.#failedWrites += 1;
    if (this.#fault === null)
      this.#options.warn(`what clients use of their quotas can't be kept now; the quotas hold all the same: ${fault}`);
    this.#fault = fault;
  }
}

const keyOf = ({ client, name, start }: AccountName): string => `${client}\n${name}\n${start}`;

const nameOf = ({ client, name, start, end }: KeptQuota): AccountName => ({
  client,
  name,
  start,
  end: end ?? Number.POSITIVE_INFINITY,
});

function keptOf({ client, name, start, end }: AccountName, state: Omit<KeptQuota, keyof AccountName>): KeptQuota {
  return { client, name, start, end: Number.isFinite(end) ? end : null, ...state };
}
