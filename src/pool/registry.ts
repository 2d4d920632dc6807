import type { Exit, Pool } from './exit.ts';
import { describeFilter, type ExitFilter, filterKey, judgeOf, narrows, poolsOf } from './exit-filter.ts';

export type { ExitFilter } from './exit-filter.ts';

/** Filters come from clients, so the lists kept for them are bounded; the one that rested longest goes first. */
const FILTER_LISTS = 4096;

/** What `apply` changed, by slot. */
export interface PoolChanges {
  /** Slots with an exit that wasn't there before: all figures about such a slot start anew. */
  readonly added: readonly number[];
  /** Slots whose exit is gone. */
  readonly removed: readonly number[];
  readonly kept: number;
}

/** All pools and exits that stand now. An exit keeps its slot (a small number) and the slot's generation for as long as its id
 *  is in some pool, so that what was learned about it stays over a reload. */
export class PoolRegistry {
  #pools = new Map<string, Pool>();
  #slots = new Map<string, number>();
  /** Slots of each pool, ascending. */
  #members = new Map<string, readonly number[]>();
  #cursors = new Map<string, { next: number }>();
  readonly #exits: (Exit | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #vacant: number[] = [];
  readonly #lists = new Map<string, readonly number[]>();

  /** Swaps all pools for `pools` by difference. Names of pools and ids of exits must be unique; a slot that becomes vacant here
   *  is given away in a later call at the earliest, under the next generation. */
  apply(pools: readonly Pool[]): PoolChanges {
    const before = this.#slots;
    const exits = pools.flatMap((pool) => pool.exits);
    const slots = new Map<string, number>();
    const added: number[] = [];
    for (const exit of exits) {
      const standing = before.get(exit.id);
      const slot = standing ?? this.#takeSlot();
      if (standing === undefined) added.push(slot);
      this.#exits[slot] = exit;
      slots.set(exit.id, slot);
    }
    const removed = [...before].filter(([id]) => !slots.has(id)).map(([, slot]) => slot);
    for (const slot of removed) this.#vacate(slot);
    this.#slots = slots;
    this.#index(pools);
    return { added, removed, kept: exits.length - added.length };
  }

  /** The exit in `slot`, undefined where there is none any more. */
  exitAt(slot: number): Exit | undefined {
    return this.#exits[slot];
  }

  /** Grows whenever the exit in `slot` is another one than before. */
  generationOf(slot: number): number {
    return this.#generations[slot] ?? 0;
  }

  /** The slot of the exit of this id (case-insensitive). */
  slotOf(id: string): number | undefined {
    return this.#slots.get(id.toLowerCase());
  }

  /** The pool of this name (case-insensitive). */
  pool(name: string): Pool | undefined {
    return this.#pools.get(name.toLowerCase());
  }

  pools(): readonly Pool[] {
    return [...this.#pools.values()];
  }

  /** How many slots there are, vacant ones included. */
  get slotCount(): number {
    return this.#exits.length;
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

  /** Slots of all exits that pass `filter`, pool after pool as asked. The list is shared and good until the next `apply`. */
  candidates(filter: ExitFilter): readonly number[] {
    const whole = this.#wholePool(filter);
    if (whole !== undefined) return whole;
    const key = filterKey(filter);
    const list = this.#lists.get(key) ?? this.#passing(filter);
    this.#lists.delete(key);
    this.#lists.set(key, list);
    if (this.#lists.size > FILTER_LISTS) this.#dropOldestList();
    return list;
  }

  /** Whether the exit in `slot` passes `filter`: for one exit, cheaper than a list. */
  matches(slot: number, filter: ExitFilter): boolean {
    const exit = this.#exits[slot];
    return exit !== undefined && poolsOf(filter).includes(exit.pool) && judgeOf(filter)(exit) === null;
  }

  /** Why few or no exits pass, for no_exit_for_target: `0 of 214 exits match: 198 of another tier, 16 in other countries`. */
  describe(filter: ExitFilter): string {
    const exits = this.#slotsOf(filter).flatMap((slot) => this.#exits[slot] ?? []);
    return describeFilter(filter, exits);
  }

  #takeSlot(): number {
    const vacant = this.#vacant.pop();
    if (vacant !== undefined) return vacant;
    this.#generations.push(0);
    return this.#exits.push(undefined) - 1;
  }

  #vacate(slot: number): void {
    this.#exits[slot] = undefined;
    this.#generations[slot] = this.generationOf(slot) + 1;
    this.#vacant.push(slot);
  }

  #index(pools: readonly Pool[]): void {
    this.#pools = new Map(pools.map((pool) => [pool.name, pool]));
    this.#members = new Map(pools.map((pool) => [pool.name, this.#slotsOfExits(pool.exits)]));
    this.#cursors = new Map([...this.#cursors].filter(([name]) => this.#pools.has(name)));
    this.#lists.clear();
  }

  #slotsOfExits(exits: readonly Exit[]): readonly number[] {
    return exits.flatMap((exit) => this.#slots.get(exit.id) ?? []).sort((a, b) => a - b);
  }

  #slotsOf(filter: ExitFilter): readonly number[] {
    return poolsOf(filter).flatMap((name) => this.#members.get(name) ?? []);
  }

  #passing(filter: ExitFilter): readonly number[] {
    const judge = judgeOf(filter);
    return this.#slotsOf(filter).filter((slot) => {
      const exit = this.#exits[slot];
      return exit !== undefined && judge(exit) === null;
    });
  }

  /** The list of one pool asked for as it is, as most requests do; undefined for any other filter. */
  #wholePool(filter: ExitFilter): readonly number[] | undefined {
    return filter.pools.length === 1 && !narrows(filter) ? this.#members.get(filter.pools[0] ?? '') : undefined;
  }

  #dropOldestList(): void {
    for (const key of this.#lists.keys()) {
      this.#lists.delete(key);
      return;
    }
  }
}
