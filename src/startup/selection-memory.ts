import { ExchangeSlots, type ExchangeSlotsShape, exchangeSlotsWords } from '../memory/exchange-slots.ts';
import { ExitRows } from '../memory/exit-rows.ts';
import { GroupTable } from '../memory/group-table.ts';
import { type PairMemory, PairTable } from '../memory/pair-table.ts';
import { SiteTable } from '../memory/site-table.ts';
import { AtomicWords } from '../memory/words.ts';
import type { AppliedPools } from '../pool/catalogue.ts';
import type { Exit } from '../pool/exit.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { SelectionTables } from '../selection/selection.ts';

/** Exchanges that one worker may have in flight, and all together. */
const MOST_PLACES_EACH = 65_536;
const MOST_PLACES = 2 ** 20;

/** Exits that a catalogue can hold. */
const MOST_EXITS = 2 ** 23;

/** What selection knows, and the places in flight, as buffers that all threads share. */
export interface SelectionMemory {
  readonly rows: SharedArrayBuffer;
  readonly groups: SharedArrayBuffer;
  readonly sites: { readonly keys: SharedArrayBuffer; readonly rows: SharedArrayBuffer };
  readonly pairs: PairMemory;
  readonly places: SharedArrayBuffer;
  readonly shape: ExchangeSlotsShape;
}

/** Makes it for so many workers; the control thread is one more that may take places. */
export function createSelectionMemory(workers: number): SelectionMemory {
  const takers = workers + 1;
  const shape = { takers, slotsEach: Math.min(MOST_PLACES_EACH, Math.floor(MOST_PLACES / takers)) };
  return {
    // All that can ever be: address space, of which the system gives what is used. Nobody's view is ever too short.
    rows: ExitRows.allocate({ rows: MOST_EXITS, most: MOST_EXITS }),
    groups: GroupTable.allocate(),
    sites: SiteTable.allocate(),
    pairs: PairTable.allocate(),
    places: new SharedArrayBuffer(exchangeSlotsWords(shape) * Int32Array.BYTES_PER_ELEMENT),
    shape,
  };
}

/** The tables as one thread sees them. */
export function selectionTables({ rows, groups, sites, pairs }: SelectionMemory): SelectionTables {
  return {
    rows: new ExitRows(rows),
    groups: new GroupTable(groups),
    sites: new SiteTable(sites),
    pairs: new PairTable(pairs),
  };
}

/** The places in flight as the thread numbered `taker` takes them: workers are numbered from 0, the control thread comes last. */
export function placesOf({ places, shape }: SelectionMemory, rows: ExitRows, taker: number): ExchangeSlots {
  return new ExchangeSlots({ words: new AtomicWords(places), rows: rows.words }, shape, taker);
}

/** Tiers as selection numbers them. */
const TIERS: readonly string[] = ['dc', 'isp', 'res', 'mobile'];

/** Lets exits move into their rows, and out of them. For the control thread alone. */
export class ExitSettler {
  readonly #tables: SelectionTables;
  readonly #registry: PoolRegistry;
  readonly #now: () => number;

  constructor(tables: SelectionTables, options: { readonly registry: PoolRegistry; readonly now: () => number }) {
    this.#tables = tables;
    this.#registry = options.registry;
    this.#now = options.now;
  }

  /** What `changes` tells of the version that the registry reads now. */
  settle({ added, removed }: AppliedPools['changes']): void {
    const { rows } = this.#tables;
    const registry = this.#registry;
    const now = this.#now();
    // Exits of the same terms are of one group, however many they are.
    const groups = new Map<number, number>();
    for (const slot of removed) rows.vacate(slot);
    for (const slot of added) {
      const terms = registry.termsOf(slot);
      let group = groups.get(terms);
      if (group === undefined) {
        group = this.#groupOf(registry.exitAt(slot));
        groups.set(terms, group);
      }
      rows.settle(slot, { group, now, generation: registry.generationOf(slot) });
    }
  }

  #groupOf(exit: Exit | undefined): number {
    if (exit === undefined) return 0;
    const { pool, tier, geo } = exit;
    const pricePerGB = this.#registry.pool(pool)?.price?.perGB ?? 0;
    return this.#tables.groups.rowOf(pool, geo.country ?? '', { tier: TIERS.indexOf(tier), pricePerGB });
  }
}
