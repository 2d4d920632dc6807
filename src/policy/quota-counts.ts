import { Gcra } from '../memory/gcra.ts';
import { LimitRows, NO_ROW, NOBODY, type RowKey } from '../memory/limit-rows.ts';
import { sumOf, WideCounts } from '../memory/wide-counts.ts';
import { AtomicWords } from '../memory/words.ts';
import type { QuotaKind } from '../protocol/quota-rule.ts';
import { CalendarSpans } from './calendar-spans.ts';
import { cellKeyOf } from './cell-key.ts';
import type { LimitMemory } from './limit-counts.ts';
import type { Quota } from './quota-book.ts';

const HOUR_MS = 3_600_000;

/** How long a count is kept in memory beyond its period, in ms of the monotonic clock, so that a wall clock which is put back finds
 *  it. A period that was met too early, by a clock that ran ahead, comes once more, and must not begin anew then. */
const KEEP_MS = { hour: 3 * HOUR_MS, day: 48 * HOUR_MS, week: 14 * 24 * HOUR_MS, month: 62 * 24 * HOUR_MS } as const;

/** Marks of a row: what the disk knew has been added; something has changed since it was saved; for which amounts it was told that
 *  they are used up. */
const RESTORED = 0;
const CHANGED = 1;
const TOLD: Readonly<Record<QuotaKind, number>> = { soft: 2, hard: 3 };

/** Names a count: of one quota name of one client, in one period. Ms of the epoch. */
export interface AccountName {
  readonly client: string;
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What is kept of a count beside its name. `told`: marks of the amounts that it was told of. */
export interface AccountState {
  readonly spent: bigint;
  readonly toldSoft: number;
  readonly toldHard: number;
}

/** A count in the memory that all threads share, as one thread sees it. */
export interface Account extends AccountName {
  readonly key: RowKey;
  /** On the monotonic clock, in ms. */
  readonly keptUntil: number;
  row: number;
}

export interface QuotaCountsOptions {
  /** The monotonic clock that all threads share, and the wall clock, in ms. */
  readonly now: () => number;
  readonly wallTime: () => number;
  /** Told of a count that the disk doesn't know of yet. Nothing waits for it. */
  readonly met: (account: AccountName) => void;
}

/** What all threads count against quotas: a word for each, and a compare-exchange, so it is exact over all of them. Every part of the
 *  calendar has a count of its own: a wall clock that jumps to another one finds what that has used, whether it was before or later. */
export class QuotaCounts {
  readonly #options: QuotaCountsOptions;
  readonly #hashKey: Uint8Array;
  readonly #words: AtomicWords;
  readonly #wide: WideCounts;
  readonly #rows: LimitRows;
  readonly #gcra: Gcra;
  readonly #spans = new CalendarSpans();
  readonly #accounts = new WeakMap<Quota, Account>();

  constructor(memory: Pick<LimitMemory, 'rows' | 'key'>, options: QuotaCountsOptions) {
    this.#options = options;
    this.#hashKey = memory.key;
    this.#words = new AtomicWords(memory.rows);
    this.#wide = WideCounts.over(memory.rows);
    this.#gcra = new Gcra(this.#words);
    this.#rows = new LimitRows(this.#words, (at, now) => this.#gcra.rests(at, now));
  }

  /** The count of the period that the wall clock is in; `at` is what it tells now, for who asks of several quotas. */
  accountOf(quota: Quota, at = this.#options.wallTime()): Account {
    const known = this.#accounts.get(quota);
    if (known !== undefined && at >= known.start && at < known.end) return known;
    const { client, name, period, zone } = quota;
    const made = this.accountAt({ client, name, ...this.#spans.at(period, zone, at) });
    this.#accounts.set(quota, made);
    return made;
  }

  /** The count of this name. */
  accountAt({ client, name, start, end }: AccountName): Account {
    const { now, wallTime } = this.#options;
    const key = { ...cellKeyOf(this.#hashKey, `quota\n${client}\n${name}\n${start}`), owner: NOBODY };
    const period = periodOf(name);
    const keptUntil =
      now() + Math.max(0, end - wallTime()) + (period === null ? Number.POSITIVE_INFINITY : KEEP_MS[period]);
    return { client, name, start, end, key, keptUntil, row: NO_ROW };
  }

  /** Counts `units` if no more than `most` are counted then; false where they would be more, null where there is no room to count
   *  them. */
  take(account: Account, units: bigint, most: bigint): boolean | null {
    for (;;) {
      const row = this.#rowOf(account);
      if (row === NO_ROW) return null;
      const isTaken = this.#wide.take(this.#rows.spentAt(row), units, most);
      if (isTaken ? this.#isCounted(account, row, units) : this.#rows.holds(row, account.key)) return isTaken;
    }
  }

  /** The same of one unit. */
  takeOne(account: Account, most: number): boolean | null {
    for (;;) {
      const row = this.#rowOf(account);
      if (row === NO_ROW) return null;
      const isTaken = this.#wide.takeOne(this.#rows.spentAt(row), most);
      if (isTaken ? this.#isCounted(account, row, 1) : this.#rows.holds(row, account.key)) return isTaken;
    }
  }

  /** Counts `units`, which may be negative: of those that were counted before. Returns how many are counted then; null where there
   *  is no room to count them. */
  add(account: Account, units: bigint): bigint | null {
    for (;;) {
      const row = this.#rowOf(account);
      if (row === NO_ROW) return null;
      const before = this.#wide.add(this.#rows.spentAt(row), units);
      const counted = sumOf(before, units);
      if (this.#isCounted(account, row, counted - before)) return counted;
    }
  }

  /** Counts `units`, 0 to 2^31. Returns how many are counted then, exact up to 2^53; NaN where there is no room to count them. */
  addUp(account: Account, units: number): number {
    for (;;) {
      const row = this.#rowOf(account);
      if (row === NO_ROW) return Number.NaN;
      const counted = this.#wide.addUp(this.#rows.spentAt(row), units);
      if (this.#isCounted(account, row, units)) return counted;
    }
  }

  /** What is counted, at a glance: see WideCounts. NaN where that takes more than a glance: this thread has counted nothing there yet,
   *  or has no room to. */
  glance({ key, row }: Account): number {
    return this.#rows.seemsToHold(row, key) ? this.#wide.glance(this.#rows.spentAt(row)) : Number.NaN;
  }

  /** What is counted; null where there is no room to count more. */
  counted(account: Account): bigint | null {
    const row = this.#rowOf(account);
    return row === NO_ROW ? null : this.#wide.load(this.#rows.spentAt(row));
  }

  /** What is counted. */
  spent(account: Account): bigint {
    const row = this.#find(account);
    return row === NO_ROW ? 0n : this.#wide.load(this.#rows.spentAt(row));
  }

  /** The same as a number: exact up to 2^53. */
  spentNumber(account: Account): number {
    const row = this.#find(account);
    return row === NO_ROW ? 0 : this.#wide.read(this.#rows.spentAt(row));
  }

  /** Whether this thread is the first to find that this amount is used up. */
  isNews(account: Account, kind: QuotaKind, most: bigint): boolean {
    const row = this.#rowOf(account);
    if (row === NO_ROW) return false;
    const at = this.#rows.markAt(row, TOLD[kind]);
    const [seen, mark] = [this.#words.load(at), markOf(most)];
    if (seen === mark || this.#words.compareExchange(at, seen, mark) !== seen) return false;
    this.#words.store(this.#rows.markAt(row, CHANGED), 1);
    return true;
  }

  /** Begins the count anew. */
  clear(account: Account): void {
    const row = this.#rowOf(account);
    if (row === NO_ROW) return;
    const at = this.#rows.spentAt(row);
    this.#wide.add(at, -this.#wide.load(at));
    for (const mark of [TOLD.soft, TOLD.hard]) this.#words.store(this.#rows.markAt(row, mark), 0);
    this.#words.store(this.#rows.markAt(row, CHANGED), 1);
  }

  /** Adds what the disk knew of a count, unless that was done; false where it was. For the control thread alone. */
  restore(account: Account, { spent, toldSoft, toldHard }: AccountState): boolean {
    const row = this.#rowOf(account);
    if (row === NO_ROW || this.#words.load(this.#rows.markAt(row, RESTORED)) === 1) return false;
    this.#wide.add(this.#rows.spentAt(row), spent);
    this.#words.compareExchange(this.#rows.markAt(row, TOLD.soft), 0, toldSoft);
    this.#words.compareExchange(this.#rows.markAt(row, TOLD.hard), 0, toldHard);
    this.#words.store(this.#rows.markAt(row, RESTORED), 1);
    this.#words.store(this.#rows.markAt(row, CHANGED), 1);
    return true;
  }

  /** What has changed since this was asked last: null where nothing has, or where the count is gone. What is not kept after all is to
   *  be told by `unsaved`. For the control thread alone. */
  takeChange(account: Account): AccountState | null {
    const { row, key } = account;
    if (!this.#rows.holds(row, key)) return null;
    const changed = this.#rows.markAt(row, CHANGED);
    if (this.#words.load(changed) === 0) return null;
    // Whatever is counted from now on marks it anew.
    this.#words.store(changed, 0);
    const told = (kind: QuotaKind) => this.#words.load(this.#rows.markAt(row, TOLD[kind]));
    return { spent: this.#wide.load(this.#rows.spentAt(row)), toldSoft: told('soft'), toldHard: told('hard') };
  }

  unsaved({ row, key }: Account): void {
    if (this.#rows.holds(row, key)) this.#words.store(this.#rows.markAt(row, CHANGED), 1);
  }

  /** Whether the count is in memory still. */
  holds({ row, key }: Account): boolean {
    return this.#rows.holds(row, key);
  }

  /** Between its look-up and its change a row may have become another key's; then it was changed for nothing. */
  #isCounted({ key }: Account, row: number, units: bigint | number): boolean {
    if (!this.#rows.holds(row, key)) {
      this.#wide.add(this.#rows.spentAt(row), -BigInt(units));
      return false;
    }
    const changed = this.#rows.markAt(row, CHANGED);
    if (this.#words.load(changed) === 0) this.#words.store(changed, 1);
    return true;
  }

  #find({ key, row }: Account): number {
    return this.#rows.holds(row, key) ? row : this.#rows.find(key);
  }

  #rowOf(account: Account): number {
    const { key, keptUntil } = account;
    if (this.#rows.seemsToHold(account.row, key)) return account.row;
    const { now, met } = this.#options;
    for (;;) {
      const row = this.#rows.rowOf(key, now());
      account.row = row;
      if (row === NO_ROW) return row;
      this.#gcra.keep(this.#rows.bucketAt(row), keptUntil);
      if (!this.#rows.holds(row, key)) continue;
      if (this.#words.load(this.#rows.markAt(row, RESTORED)) === 0) met(plainNameOf(account));
      return row;
    }
  }
}

const plainNameOf = ({ client, name, start, end }: AccountName): AccountName => ({ client, name, start, end });

/** The period in a quota's name; null for one without end. */
function periodOf(name: string): keyof typeof KEEP_MS | null {
  const [, word = ''] = /^[^/]*\/([a-z]+)/.exec(name) ?? [];
  return word === 'hour' || word === 'day' || word === 'week' || word === 'month' ? word : null;
}

/** Tells an amount from another; never 0. */
const markOf = (most: bigint): number => Number(BigInt.asIntN(32, most ^ (most >> 32n))) || 1;
