import { CatalogueView } from '../memory/catalogue.ts';
import type { PoolsRecord } from './catalogue.ts';
import { type IdWords, idRange, idText, isInRange, parseId } from './digest.ts';
import type { Carrier, Exit, Pool } from './exit.ts';
import { MINTS } from './exit-draft.ts';
import { type ExitFilter, filterKey } from './exit-filter.ts';
import { ExitReader } from './exit-reader.ts';
import { accountOf, type FilterAccount } from './filter-account.ts';
import type { FilterList } from './filter-list.ts';
import { type Draw, FilterLists } from './filter-lists.ts';
import { type LimitedAccount, LimitedAccounts } from './limited-accounts.ts';
import { Mintings } from './mintings.ts';

export type { ExitFilter } from './exit-filter.ts';

export interface RegistryOptions {
  /** Told of filters whose list should be made and handed to `takeList`; without it they are made at once, where they are asked
   *  for. */
  readonly wantList?: (filter: ExitFilter) => void;
  /** The epoch of the id that a slot goes by whose ids are over after a time; without it none is. */
  readonly epochOf?: (slot: number) => number;
}

/** Accounts of filters that are remembered. */
const ACCOUNTS = 4096;

/** All pools and exits as one thread reads them: one version, until it takes the next. */
export class PoolRegistry {
  readonly #wantList: ((filter: ExitFilter) => void) | null;
  readonly #epochOf: (slot: number) => number;
  #view: CatalogueView;
  #mintings: Mintings;
  #exits: ExitReader;
  #filters: FilterLists;
  #pools: ReadonlyMap<string, Pool>;
  readonly #accounts = new Map<string, FilterAccount>();
  #cursors = new Map<string, { next: number }>();
  /** Made when first asked for. */
  #limited: LimitedAccounts | null = null;

  constructor({ pools, catalogue }: PoolsRecord, { wantList, epochOf = () => 0 }: RegistryOptions = {}) {
    this.#wantList = wantList ?? null;
    this.#epochOf = epochOf;
    this.#view = new CatalogueView(catalogue);
    const mintings = new Mintings(this.#view);
    this.#mintings = mintings;
    this.#exits = new ExitReader(this.#view, { mintings, epochOf: this.#epochOf });
    this.#filters = new FilterLists(this.#view, { mintings, wantList: this.#wantList, firstRing: 0 });
    this.#pools = poolsByName(pools);
  }

  /** Swaps all pools for those of another version. */
  take({ pools, catalogue }: PoolsRecord): void {
    this.#view = new CatalogueView(catalogue);
    const mintings = new Mintings(this.#view);
    this.#mintings = mintings;
    this.#exits = new ExitReader(this.#view, { mintings, epochOf: this.#epochOf });
    this.#filters = new FilterLists(this.#view, {
      mintings,
      wantList: this.#wantList,
      firstRing: this.#filters.nextRing,
    });
    this.#limited = null;
    this.#accounts.clear();
    this.#pools = poolsByName(pools);
    this.#cursors = new Map([...this.#cursors].filter(([name]) => this.#pools.has(name)));
  }

  /** Takes the list of a filter that was asked for. */
  takeList(list: FilterList): void {
    this.#filters.take(list);
  }

  /** The version that is read. */
  get version(): number {
    return this.#view.version;
  }

  /** The exit in `slot`, undefined where there is none any more. */
  exitAt(slot: number): Exit | undefined {
    return this.#exits.standingIn(slot);
  }

  /** The exit that left `slot` with this version: it can be told from what it did, until the next version. */
  formerExitAt(slot: number): Exit | undefined {
    return this.#exits.formerIn(slot);
  }

  /** What carries the exit in `slot` among others; null where it has a way of its own. */
  carrierOf(slot: number): Carrier | null {
    return this.#exits.carrierOf(slot);
  }

  /** Whether any account with a vendor is limited. */
  get limitsAccounts(): boolean {
    return this.#limitedAccounts().any;
  }

  /** The limited account that the exit in `slot` was minted from; null where it was from none. */
  limitedAccountOf(slot: number): LimitedAccount | null {
    const terms = this.#view.slots.termsOf(slot);
    return terms < 0 ? null : this.#limitedAccounts().ofTerms(terms);
  }

  /** The limited accounts of a pool, with null among them where it has exits that are of none. */
  limitedAccountsIn(pool: string): ReadonlySet<LimitedAccount | null> {
    return this.#limitedAccounts().ofPool(pool.toLowerCase());
  }

  /** Slots of all exits whose ids are over after a time, each followed by another. */
  rotatingSlots(): Int32Array {
    const { slots } = this.#view;
    const found: number[] = [];
    const rotates = new Map<number, boolean>();
    for (let slot = 0; slot < slots.count; slot += 1) {
      const terms = slots.termsOf(slot);
      if (terms < 0 || slots.placeOf(slot) === MINTS) continue;
      const known = rotates.get(terms) ?? this.#mintings.rotates(terms);
      rotates.set(terms, known);
      if (known) found.push(slot);
    }
    return Int32Array.from(found);
  }

  /** How long the ids of the exit in `slot` last; null where none stands, or they do for good. */
  rotationOf(slot: number): { readonly lifetimeMs: number | null; readonly idleMs: number | null } | null {
    const terms = this.#view.slots.termsOf(slot);
    const { minting } = terms < 0 ? { minting: null } : this.#mintings.of(terms);
    return minting?.rotationOf(0) ?? null;
  }

  /** From 1 on; grows whenever an exit leaves the slot. 0 for a slot that never held one. */
  generationOf(slot: number): number {
    return this.#view.slots.generationOf(slot);
  }

  /** A number that exits share whose pool, place and kind are the same; negative where no exit stands. */
  termsOf(slot: number): number {
    return this.#view.slots.termsOf(slot);
  }

  /** The slot of the exit of this id (case-insensitive). */
  slotOf(id: string): number | undefined {
    const words = parseId(id);
    return words === null ? undefined : this.slotOfIdWords(words);
  }

  slotOfIdWords({ high, low }: IdWords): number | undefined {
    const slot = this.#view.slots.slotOfId(high, low);
    return slot < 0 ? undefined : slot;
  }

  /** Slots of exits whose ids begin with `prefix` (case-insensitive), `most` of them at most. Looks at every slot. */
  slotsOfPrefix(prefix: string, most: number): number[] {
    const range = idRange(prefix);
    const { slots } = this.#view;
    const found: number[] = [];
    for (let slot = 0; range !== null && slot < slots.count && found.length < most; slot += 1) {
      if (isInRange(slots.idHighOf(slot), slots.idLowOf(slot), range) && slots.termsOf(slot) >= 0) found.push(slot);
    }
    return found;
  }

  /** The id of the exit in `slot` (or that was there last), without reading the exit. */
  idWordsOf(slot: number): IdWords {
    return { high: this.#view.slots.idHighOf(slot), low: this.#view.slots.idLowOf(slot) };
  }

  /** The id as it is written. */
  idOf(slot: number): string {
    return idText(this.#view.slots.idHighOf(slot), this.#view.slots.idLowOf(slot));
  }

  /** The pool of this name (case-insensitive). */
  pool(name: string): Pool | undefined {
    return this.#pools.get(name.toLowerCase());
  }

  pools(): readonly Pool[] {
    return [...this.#pools.values()];
  }

  /** The countries of a pool's exits, in order, each once. */
  countriesOf(name: string): readonly string[] {
    const { labels, lists, places } = this.#view;
    const countries = lists.countriesOf(labels.numberOf(name.toLowerCase())).filter((country) => country > 0);
    return countries.map((country) => places.text(country)).sort();
  }

  /** How many slots there are, vacant ones included. */
  get slotCount(): number {
    return this.#view.slots.count;
  }

  /** Where round-robin stands in the pool of this name; the caller advances it. */
  cursorOf(name: string): { next: number } {
    const key = name.toLowerCase();
    const cursor = this.#cursors.get(key);
    if (cursor !== undefined) return cursor;
    const fresh = { next: 0 };
    if (this.#pools.has(key)) this.#cursors.set(key, fresh);
    return fresh;
  }

  /** Slots of all exits that pass `filter`, pool after pool and country after country as asked. The list is shared and good until the next version. It is
   *  made now where it doesn't stand yet, which takes a look at each exit of the filter's pools and countries. */
  candidates(filter: ExitFilter): Int32Array {
    return this.#filters.listOf(filter);
  }

  /** What to draw the exits of `filter` from: its own list, or the narrowest that stands and what to reject by. Never looks at
   *  more than a bounded number of rows, where lists are made elsewhere. */
  drawFrom(filter: ExitFilter): Draw {
    return this.#filters.drawOf(filter);
  }

  /** Whether the exit in `slot` passes `filter`. */
  matches(slot: number, filter: ExitFilter): boolean {
    return this.#filters.judgeOf(filter).matches(slot);
  }

  #limitedAccounts(): LimitedAccounts {
    this.#limited ??= new LimitedAccounts(this.#view);
    return this.#limited;
  }

  /** How many exits pass `filter`, and what rules out the others. Remembered for some filters. */
  accountOf(filter: ExitFilter): FilterAccount {
    const key = filterKey(filter);
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    const account = accountOf(this.#view, filter, this.#mintings);
    if (this.#accounts.size >= ACCOUNTS) this.#accounts.clear();
    this.#accounts.set(key, account);
    return account;
  }
}

function poolsByName(pools: readonly Pool[]): ReadonlyMap<string, Pool> {
  return new Map(pools.map((pool) => [pool.name, pool]));
}
