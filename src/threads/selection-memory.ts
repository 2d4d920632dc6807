import { ExchangeSlots, type ExchangeSlotsShape, exchangeSlotsWords } from '../memory/exchange-slots.ts';
import { ExitRows } from '../memory/exit-rows.ts';
import { GroupTable } from '../memory/group-table.ts';
import { type PairMemory, PairTable } from '../memory/pair-table.ts';
import { ProviderRows } from '../memory/provider-rows.ts';
import { SiteTable } from '../memory/site-table.ts';
import { AtomicWords } from '../memory/words.ts';
import type { AppliedPools } from '../pool/catalogue.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import { ClientStandings } from '../selection/client-standings.ts';
import type { SelectionTables } from '../selection/selection.ts';

/** Exchanges that one worker may have in flight, and all together. */
const MOST_PLACES_EACH = 65_536;
const MOST_PLACES = 2 ** 20;

/** Exits that a catalogue can hold. */
export const MOST_EXITS = 2 ** 23;

/** What selection knows, and the places in flight, as buffers that all threads share. */
export interface SelectionMemory {
  readonly rows: SharedArrayBuffer;
  readonly groups: SharedArrayBuffer;
  readonly sites: { readonly keys: SharedArrayBuffer; readonly rows: SharedArrayBuffer };
  readonly pairs: PairMemory;
  readonly providers: SharedArrayBuffer;
  readonly standings: SharedArrayBuffer;
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
    providers: ProviderRows.allocate(),
    standings: ClientStandings.allocate(),
    places: new SharedArrayBuffer(exchangeSlotsWords(shape) * Int32Array.BYTES_PER_ELEMENT),
    shape,
  };
}

/** The tables as one thread sees them. */
export function selectionTables({
  rows,
  groups,
  sites,
  pairs,
  providers,
  standings,
}: SelectionMemory): SelectionTables {
  return {
    rows: new ExitRows(rows),
    groups: new GroupTable(groups),
    sites: new SiteTable(sites),
    pairs: new PairTable(pairs),
    providers: new ProviderRows(providers),
    standings: new ClientStandings(standings),
  };
}

/** The places in flight as the thread numbered `taker` takes them: workers are numbered from 0, the control thread comes last. */
export function placesOf({ places, shape }: SelectionMemory, rows: ExitRows, taker: number): ExchangeSlots {
  return new ExchangeSlots({ words: new AtomicWords(places), rows: rows.words }, shape, taker);
}

/** Exits of the same terms: their group, one of them, and how many have come. */
interface Seat {
  readonly group: number;
  readonly sample: number;
  exits: number;
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
    const { rows, providers } = this.#tables;
    const registry = this.#registry;
    const now = this.#now();
    // Exits of the same terms are of one group, however many they are.
    const seats = new Map<number, Seat>();
    for (const slot of removed) {
      providers.left(this.#providerOf(slot), 1);
      rows.vacate(slot);
    }
    for (const slot of added) {
      const terms = registry.termsOf(slot);
      let seat = seats.get(terms);
      if (seat === undefined) {
        seat = { group: this.#groupOf(slot), sample: slot, exits: 0 };
        seats.set(terms, seat);
      }
      seat.exits += 1;
      rows.settle(slot, { group: seat.group, now, generation: registry.generationOf(slot) });
    }
    for (const seat of seats.values()) this.#seat(seat);
  }

  #seat({ sample, exits: by }: Seat): void {
    const pool = this.#registry.pool(this.#registry.exitAt(sample)?.pool ?? '')?.number ?? 0;
    const carries = this.#registry.carrierOf(sample) !== null;
    this.#tables.providers.settle(this.#providerOf(sample), { pool, carries, by, sample });
  }

  #providerOf(slot: number): number {
    const { groups, rows } = this.#tables;
    return groups.providerOf(rows.groupOf(slot));
  }

  /** Exits fare alike that one provider carries in one country; a list's are taken for those of one provider. */
  #groupOf(slot: number): number {
    const exit = this.#registry.exitAt(slot);
    if (exit === undefined) return 0;
    const { pool, tier, geo } = exit;
    const carrier = this.#registry.carrierOf(slot);
    const provider = carrier === null ? pool : `${pool} ${carrier.key}`;
    const pricePerGB = this.#registry.pool(pool)?.price?.perGB ?? 0;
    return this.#tables.groups.rowOf(provider, geo.country ?? '', { tier: TIERS.indexOf(tier), pricePerGB });
  }
}
