import type { ExitSeen, PoolProbingView } from '../admin/probe-view.ts';
import { mismatchOf } from '../admin/probe-view.ts';
import type { Config } from '../config/config.ts';
import { VendorAccounts } from '../gateway/choosing/vendor-accounts.ts';
import type { ProbeResult } from '../gateway/probe/probe.ts';
import { ProviderWatch } from '../keeping/provider-watch.ts';
import type { BoundAddress } from '../policy/own-addresses.ts';
import type { Exit } from '../pool/exit.ts';
import { Selection } from '../selection/selection.ts';
import type { Store } from '../store/database.ts';
import { ExitSightings } from '../store/exit-sightings.ts';
import { ProbeSpending } from '../store/probe-spending.ts';
import { selectionTables } from '../threads/selection-memory.ts';
import type { SharedState } from '../workers/shared-state.ts';
import { calendarOf } from './calendar.ts';
import { ExitChecks } from './exit-checks.ts';
import { ExitsSeen } from './exits-seen.ts';
import { GeoDatabases } from './geo-databases.ts';
import { ProbeBudget } from './probe-budget.ts';
import { ProbeDesk } from './probe-desk.ts';
import { ProbeLessons } from './probe-lessons.ts';
import { openProbePage, type ProbePage } from './probe-page.ts';
import { ProbeRota } from './probe-rota.ts';
import { Prober, targetName } from './prober.ts';
import { providerProbe } from './provider-probe.ts';

export interface ProbingOptions {
  /** As it is now; what of it holds from the start on is `probe` and `geo`. */
  readonly config: () => Config;
  readonly shared: SharedState;
  readonly store: Store;
  /** Null where there is none: see openPage. */
  readonly page: ProbePage | null;
  /** Sockets of ours that no probe may reach. */
  readonly own: () => { readonly listeners: readonly BoundAddress[]; readonly admin: readonly BoundAddress[] };
  /** Whether traffic is served: otherwise nothing is probed. */
  readonly isServing: () => boolean;
  readonly now: () => number;
  readonly warn: (line: string) => void;
}

/** Opens the probe page, for `most` connections at once. One that can't be bound is told of, and done without. */
export function openPage({ probe }: Config, most: number, warn: (line: string) => void): Promise<ProbePage | null> {
  return openProbePage({ ...probe, most }).catch((cause: unknown) => {
    warn(`probe: cannot listen on ${probe.host}:${probe.port}, exits are asked for a handshake alone: ${cause}`);
    return null;
  });
}

/** All that is probed in this process, and what came of it. For the control thread. */
export class Probing {
  readonly desk: ProbeDesk;
  readonly budget: ProbeBudget;
  readonly seen: ExitsSeen;
  readonly lessons: ProbeLessons;
  readonly checks: ExitChecks;
  readonly #options: ProbingOptions;
  readonly #prober: Prober;
  readonly #providers: ProviderWatch;
  readonly #page: ProbePage | null;
  readonly #day: () => { readonly name: string; readonly over: number };

  /** Begins to probe. Throws StoreError. */
  constructor(options: ProbingOptions) {
    const { config, shared, store, page, own, isServing, now, warn } = options;
    const { registry } = shared;
    const tables = selectionTables(shared.memory.selection);
    let [parameters, selection] = [config().selection, selectionOf(config())];
    const current = (): Selection => {
      if (config().selection !== parameters) [parameters, selection] = [config().selection, selectionOf(config())];
      return selection;
    };
    function selectionOf({ selection: learned }: Config): Selection {
      return new Selection(tables, { parameters: learned, random: Math.random });
    }
    const spending = new ProbeSpending(store);
    spending.prune();
    this.#options = options;
    this.#page = page;
    this.#day = calendarOf(config().probe.zone, Date.now);
    this.desk = new ProbeDesk({ config, page, own, now });
    this.budget = new ProbeBudget({ book: spending, day: this.#day, warn });
    const databases = GeoDatabases.open(config().geo.mmdb, warn);
    const placeOf = (address: string) => databases.placeOf(address);
    this.seen = new ExitsSeen({ store: new ExitSightings(store), placeOf, wallTime: Date.now, warn });
    this.lessons = new ProbeLessons({ selection: current, rows: tables.rows, now });
    const accounts = new VendorAccounts({ registry, counts: shared.limits, now });
    this.#providers = new ProviderWatch({
      providers: shared.providers,
      ask: providerProbe({ registry, desk: this.desk, budget: this.budget, accounts }),
      now,
      random: Math.random,
      tell: warn,
    });
    this.checks = new ExitChecks({
      registry: () => registry,
      desk: this.desk,
      accounts,
      placeOf,
      onResult: (exit, slot, result) => this.#checked(exit, slot, result),
      dataFolder: config().data,
      now,
      wallTime: Date.now,
      warn,
    });
    this.#prober = new Prober({
      registry,
      desk: this.desk,
      rota: new ProbeRota(tables.rows, registry),
      budget: this.budget,
      lessons: this.lessons,
      accounts,
      onResult: (exit, result) => {
        this.seen.take(exit, result, 'probe');
        shared.ledger?.probed(exit, registry.pool(exit.pool), result);
      },
      mayProbe: (pool) => isServing() && !shared.states.stored.pools.byName.has(pool),
      now,
    });
    this.#prober.start();
    this.#providers.start();
  }

  /** Where the probe page is; null where there is none. */
  get page(): { readonly host: string; readonly port: number } | null {
    return this.#page;
  }

  /** What commands tell of exits. */
  get knowledge() {
    return { seen: (exit: Exit) => this.seenOf(exit), everSeen: () => this.seen.ids() };
  }

  /** What is known of the exit from outside. */
  seenOf({ id, geo }: Exit): ExitSeen | null {
    const sighting = this.seen.of(id);
    if (sighting === null) return null;
    const { exit: _, at, ...facts } = sighting;
    return { at: new Date(at).toISOString(), ...facts, mismatch: mismatchOf(geo, sighting) };
  }

  /** How the pool is probed. */
  viewOf(name: string): PoolProbingView {
    const terms = this.#options.shared.registry.pool(name)?.probe;
    const [budget, spent] = [terms?.budget ?? 0, this.budget.spent(name)];
    const { byKind, octets } = this.#prober.figuresOf(name);
    const targets = (terms?.targets ?? []).map(({ target }) => targetName(target));
    return {
      targets: targets.length > 0 ? targets : ['builtin'],
      day: this.#day().name,
      budget,
      spent,
      left: Math.max(0, budget - spent),
      byKind: Object.fromEntries(byKind),
      octets,
    };
  }

  #checked(exit: Exit, slot: number, result: ProbeResult): void {
    const { registry, ledger } = this.#options.shared;
    const generation = registry.generationOf(slot);
    this.lessons.learn({ at: { slot, generation }, exit, result, targetKey: `check ${result.asked}` });
    this.seen.take(exit, result, 'check');
    ledger?.probed(exit, registry.pool(exit.pool), result);
  }

  async close(): Promise<void> {
    this.#providers.close();
    await this.checks.close();
    await this.#prober.close();
    this.budget.giveBack();
    this.desk.close();
    this.seen.close();
  }
}
