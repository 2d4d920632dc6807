/** Hands the gateway's own selection to the simulator of exit pools, as strategies `learned`, `learned-hedged`, and `learned-clients`:
 *  `node poolsim.js --with test/bench/poolsim.ts -x learned,learned-hedged,oracle`. */

import { ExitRows } from '../../src/memory/exit-rows.ts';
import { GroupTable } from '../../src/memory/group-table.ts';
import { PairTable } from '../../src/memory/pair-table.ts';
import { ProviderRows } from '../../src/memory/provider-rows.ts';
import { SiteTable } from '../../src/memory/site-table.ts';
import { ClientStandings } from '../../src/selection/client-standings.ts';
import { parametersOf } from '../../src/selection/parameters.ts';
import type { PickRequest } from '../../src/selection/request.ts';
import { Selection } from '../../src/selection/selection.ts';

/** Country of a request that asks for none. */
const ANY = -1;

/** Octets of every page: the simulator's pages have none, and hedging is paid for by what is carried. */
const PAGE_OCTETS = 200_000;

/** What a gateway sees of an attempt, by the simulator's numbers. */
const OUTCOMES = ['served', 'refused', 'timed_out', 'broke', 'blocked'] as const;

interface List {
  readonly items: Int32Array;
  readonly length: number;
}

interface SimulatedPool {
  readonly slots: number;
  readonly country: Uint8Array;
  readonly provider: Uint8Array;
  readonly joinedAt: Float64Array;
  has(slot: number): boolean;
  list(country: number): List;
  matches(slot: number, country: number): boolean;
}

interface SimulatedRequest {
  readonly id: number;
  readonly at: number;
  readonly target: number;
  readonly country: number;
  readonly session: number;
  readonly sessionUntil: number;
}

interface Context {
  readonly pool: SimulatedPool;
  readonly rng: { float(): number };
}

const ringOf = (country: number): number => (country === ANY ? 0 : country + 1);

/** One strategy under trial. Its exits' providers stand for pools. */
class Learned {
  readonly #pool: SimulatedPool;
  readonly #rows: ExitRows;
  readonly #groups = new GroupTable(GroupTable.allocate());
  readonly #sites = new SiteTable(SiteTable.allocate());
  readonly #selection: Selection;
  readonly #siteRows = new Map<number, number>();
  readonly #lists = new Map<number, Int32Array>();
  readonly #queued = new Map<number, number>();
  readonly #clients: number;

  /** `clients`: how many ask by turns. */
  constructor({ pool, rng }: Context, clients = 1) {
    this.#clients = clients;
    this.#pool = pool;
    this.#rows = new ExitRows(ExitRows.allocate({ rows: pool.slots }));
    this.#selection = new Selection(
      {
        rows: this.#rows,
        groups: this.#groups,
        sites: this.#sites,
        pairs: new PairTable(PairTable.allocate()),
        standings: new ClientStandings(ClientStandings.allocate()),
        providers: new ProviderRows(ProviderRows.allocate()),
      },
      { parameters: parametersOf(), random: () => rng.float() },
    );
    for (let slot = 0; slot < pool.slots; slot++) this.onAdd(slot, 0);
  }

  pick(request: SimulatedRequest, now: number, excluded: readonly number[]): number {
    const { country, session, sessionUntil } = request;
    const asked: PickRequest = {
      strategy: 'learned',
      list: this.#listOf(country),
      matches: (slot) => this.#pool.matches(slot, country),
      excluded,
      cursor: { next: 0 },
      site: this.#siteOf(request.target, now),
      client: this.#clientOf(request),
      ring: ringOf(country),
      session: session === 0 ? null : { endsInMs: sessionUntil - now },
      since: request.at,
      retry: excluded.length > 0,
    };
    return Math.max(-1, this.#selection.pick(asked, now));
  }

  pinned(slot: number, request: SimulatedRequest, now: number): number {
    return this.#selection.mayStay(
      slot,
      { site: this.#siteOf(request.target, now), client: this.#clientOf(request) },
      now,
    )
      ? 0
      : -1;
  }

  onStart(slot: number, request: SimulatedRequest, now: number): void {
    this.#rows.take(slot);
    this.#queued.set(
      request.id * 4096 + (slot % 4096),
      this.#selection.begin(slot, this.#siteOf(request.target, now), now),
    );
  }

  onEnd(slot: number, request: SimulatedRequest, now: number, outcome: number, ms: number): void {
    const at = { slot, generation: this.#rows.generationOf(slot) };
    const site = this.#siteOf(request.target, now);
    this.#selection.ended(at, now);
    this.#rows.giveBack(slot, at.generation);
    const attempt = request.id * 4096 + (slot % 4096);
    const queued = this.#queued.get(attempt) ?? 0;
    this.#queued.delete(attempt);
    const kind = OUTCOMES[outcome] ?? 'broke';
    if (kind !== 'served' && kind !== 'blocked') {
      this.#selection.failed(at, kind, { ms, now });
      return;
    }
    this.#selection.carried(site, PAGE_OCTETS);
    const rings = [ringOf(ANY), ringOf(this.#pool.country[slot] ?? 0)];
    this.#selection.arrived(at, ms, { site, rings, queued, now });
    const ring = ringOf(request.country);
    const verdict = { site, rings: [ring], served: kind === 'served', weight: 1, retryAfterMs: null };
    this.#selection.judged(at, { ...verdict, client: this.#clientOf(request) }, now);
  }

  onAdd(slot: number, now: number): void {
    const { country, provider, joinedAt } = this.#pool;
    const terms = { tier: 2, pricePerGB: 0 };
    const group = this.#groups.rowOf(`p${provider[slot]}`, `c${country[slot]}`, terms);
    this.#rows.settle(slot, { group, now: joinedAt[slot] ?? now });
  }

  onRemove(slot: number): void {
    this.#rows.vacate(slot);
  }

  timeoutFor(request: SimulatedRequest, slot: number, now: number): number {
    return this.#selection.attemptTimeoutMs(slot, this.#siteOf(request.target, now), now);
  }

  hedge(request: SimulatedRequest, slot: number, now: number): number {
    return this.#selection.hedgeDelayMs(slot, this.#siteOf(request.target, now), now);
  }

  hedged(): void {
    // Of whose page isn't told; all are of one size.
    this.#selection.hedged(-1);
  }

  #clientOf({ id }: SimulatedRequest): number {
    return 1 + (id % this.#clients);
  }

  #siteOf(target: number, now: number): number {
    const known = this.#siteRows.get(target);
    if (known !== undefined) return known;
    const key = [target, target * 7919, 1, 1].map((part) => Math.imul(part + 1, 0x9e37_79b1)) as [
      number,
      number,
      number,
      number,
    ];
    const row = this.#sites.rowOf(key, `target-${target}`, now);
    this.#siteRows.set(target, row);
    return row;
  }

  /** The simulator's list as it is now: a view of its items, renewed when their number or place has changed. */
  #listOf(country: number): Int32Array {
    const { items, length } = this.#pool.list(country);
    const known = this.#lists.get(country);
    if (known !== undefined && known.buffer === items.buffer && known.length === length) return known;
    const list = items.subarray(0, length);
    this.#lists.set(country, list);
    return list;
  }
}

/** The same, with a second exit for exchanges that are late. */
class Hedged extends Learned {
  hedgeDelay(request: SimulatedRequest, slot: number, now: number): number {
    return this.hedge(request, slot, now);
  }

  onHedge(): void {
    this.hedged();
  }
}

export default {
  learned: (context: Context) => new Learned(context),
  'learned-hedged': (context: Context) => new Hedged(context),
  'learned-clients': (context: Context) => new Learned(context, 5),
};
