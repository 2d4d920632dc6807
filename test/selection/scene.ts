import { ExitRows } from '../../src/memory/exit-rows.ts';
import { GroupTable } from '../../src/memory/group-table.ts';
import { PairTable } from '../../src/memory/pair-table.ts';
import { ProviderRows } from '../../src/memory/provider-rows.ts';
import { SiteTable } from '../../src/memory/site-table.ts';
import { ClientStandings } from '../../src/selection/client-standings.ts';
import { type Parameters, parametersOf } from '../../src/selection/parameters.ts';
import type { PathFailure } from '../../src/selection/path-beliefs.ts';
import type { PickRequest } from '../../src/selection/request.ts';
import { Selection } from '../../src/selection/selection.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { pickRequest } from './pick-request.ts';

/** What one exchange over an exit came to. */
export type End =
  | { readonly ms: number; readonly served?: boolean }
  | { readonly how: PathFailure; readonly ms: number };

/** A pool of exits in slots from 0, tables of its own, and a selection over them. */
export class Scene {
  readonly rows = new ExitRows(ExitRows.allocate());
  readonly groups = new GroupTable(GroupTable.allocate(64));
  readonly sites = new SiteTable(SiteTable.allocate(64));
  readonly pairs = new PairTable(PairTable.allocate(4096));
  readonly providers = new ProviderRows(ProviderRows.allocate(64));
  readonly standings = new ClientStandings(ClientStandings.allocate(256));
  readonly random: () => number;
  readonly selection: Selection;
  readonly list: number[] = [];

  constructor({ seed = 1, ...changes }: Partial<Parameters> & { seed?: number } = {}) {
    this.random = seededRandom(seed);
    this.selection = new Selection(
      {
        rows: this.rows,
        groups: this.groups,
        sites: this.sites,
        pairs: this.pairs,
        providers: this.providers,
        standings: this.standings,
      },
      { parameters: parametersOf(changes), random: this.random },
    );
  }

  /** Adds exits that joined at 0; returns their slots. */
  join(exits: number, { pool = 'pool', country = '', tier = 2, pricePerGB = 0 } = {}): number[] {
    const group = this.groups.rowOf(pool, country, { tier, pricePerGB });
    const slots = Array.from({ length: exits }, (_, i) => this.list.length + i);
    for (const slot of slots) this.rows.settle(slot, { group, now: 0 });
    this.list.push(...slots);
    return slots;
  }

  site(number: number): number {
    return this.sites.rowOf([number * 31 + 7, number, 1, 1], `site${number}.example`, 0);
  }

  request(more: Partial<PickRequest> = {}): PickRequest {
    return pickRequest({ strategy: 'learned', list: this.list }, more);
  }

  /** One exchange over the exit, from `now` on; it ends in zero time as far as the clock is concerned. */
  exchange(
    slot: number,
    { now, end, site = -1, client }: { now: number; end: End; site?: number; client?: number },
  ): void {
    const at = { slot, generation: this.rows.take(slot) };
    const queued = this.selection.begin(slot, site, now);
    this.selection.ended(at, now);
    this.rows.giveBack(slot, at.generation);
    if ('how' in end) return this.selection.failed(at, end.how, { ms: end.ms, now });
    this.selection.arrived(at, end.ms, { site, rings: [0], queued, now });
    const verdict = { site, client, rings: [0], served: end.served ?? true, weight: 1, retryAfterMs: null };
    this.selection.judged(at, verdict, now);
  }

  /** Picks, and plays `play` over what was picked, `times` times, 100 ms apart. Returns how often each slot was picked. */
  crawl(
    times: number,
    play: (slot: number) => End,
    { from = 0, ...more }: Partial<PickRequest> & { from?: number } = {},
  ) {
    const picks = new Map<number, number>();
    for (let i = 0; i < times; i++) {
      const now = from + i * 100;
      const slot = this.selection.pick(this.request({ since: now, ...more }), now);
      picks.set(slot, (picks.get(slot) ?? 0) + 1);
      if (slot >= 0) this.exchange(slot, { now, end: play(slot), site: more.site ?? -1 });
    }
    return picks;
  }
}
