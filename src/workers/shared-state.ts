import type { Config } from '../config/config.ts';
import { HeldExitsBook } from '../keeping/held-exits.ts';
import { IdRenewals } from '../keeping/id-renewals.ts';
import { type KeptLeases, keepLeases } from '../keeping/kept-leases.ts';
import { LearnedStore } from '../keeping/learned-store.ts';
import { Ledger } from '../keeping/ledger.ts';
import { OperatorStates, type StoredStates } from '../keeping/operator-states.ts';
import { Providers } from '../keeping/providers.ts';
import { QuotaKeeper } from '../keeping/quota-keeper.ts';
import { SessionDesk } from '../keeping/session-desk.ts';
import { learnedSections } from '../memory/learned-sections.ts';
import { LimitCounts } from '../policy/limit-counts.ts';
import { QuotaCounts } from '../policy/quota-counts.ts';
import type { AppliedPools } from '../pool/catalogue.ts';
import { PoolRegistry } from '../pool/registry.ts';
import { ExitHealth } from '../selection/exit-health.ts';
import type { SelectionTables } from '../selection/selection.ts';
import type { HeldExits } from '../store/ledger-standing.ts';
import { QuotaStore } from '../store/quota-store.ts';
import { hashSecret } from '../store/secret-key.ts';
import { momentsBy } from '../threads/clock.ts';
import { idEpochs } from '../threads/epoch-memory.ts';
import type { LeaseMemory } from '../threads/lease-memory.ts';
import { controlLeases, leaseKeyOf, leaseThreadOf } from '../threads/lease-memory.ts';
import { ExitSettler, placesOf, selectionTables } from '../threads/selection-memory.ts';
import { createSharedMemory, type SharedMemory } from '../threads/shared-memory.ts';

export interface SharedStateOptions {
  readonly workers: number;
  /** The version of all pools that stands at the start. */
  readonly pools: AppliedPools;
  readonly config: Config;
  /** What operators said of exits and pools. */
  readonly stored: StoredStates;
  /** The key of the data folder. */
  readonly secretKey: Buffer;
  /** See EpochMemory. */
  readonly epochOffsetS: number;
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
  readonly warn: (line: string) => void;
}

/** The control thread's hands on what all threads share: it brings back what the last run left, lets exits in and out, cleans up
 *  behind workers that died, and shows people what is known. */
export class SharedState {
  readonly memory: SharedMemory;
  readonly registry: PoolRegistry;
  /** Latencies, ejections and what is in flight, by exit. */
  readonly exits: ExitHealth;
  /** What carries many exits, and how it stands. */
  readonly providers: Providers;
  readonly sessions: SessionDesk;
  /** What selection knows. */
  readonly tables: SelectionTables;
  /** What all threads count against clients' limits. */
  readonly limits: LimitCounts;
  /** What operators said of exits and pools. */
  readonly states: OperatorStates;
  /** Keys the names of sessions; the same at every start. */
  readonly sessionSecret: Uint8Array;
  /** Null where none is kept. */
  readonly ledger: Ledger | null;
  /** What all threads count against clients' quotas, and what keeps it. */
  readonly quotaCounts: QuotaCounts;
  readonly quotas: QuotaKeeper;
  readonly #leases: LeaseMemory;
  readonly #kept: KeptLeases;
  readonly #learned: LearnedStore;
  readonly #settler: ExitSettler;
  readonly #renewals: IdRenewals;
  readonly #held: HeldExitsBook | null;
  readonly #bury: (worker: number) => void;

  /** Throws StoreError where sessions or what was learned can't be kept. */
  constructor({ workers, pools, config, stored, secretKey, epochOffsetS, now, warn }: SharedStateOptions) {
    const { data: dataFolder, ledger: limits } = config;
    const moment = momentsBy(now);
    const memory = createSharedMemory(workers, epochOffsetS);
    const tables = selectionTables(memory.selection);
    const epochs = idEpochs(memory.epochs, tables.rows);
    const registry = new PoolRegistry(pools.record, { epochOf: (slot) => epochs.epochOf(slot) });
    const places = placesOf(memory.selection, tables.rows, workers);
    const sessionSecret = hashSecret(secretKey, 'names of sessions');
    const keyOf = (client: string, session: string) => leaseKeyOf(sessionSecret, { client, session });
    const leases = controlLeases(memory.leases);
    this.memory = memory;
    this.registry = registry;
    this.tables = tables;
    this.sessionSecret = sessionSecret;
    this.exits = new ExitHealth(tables.rows);
    this.providers = new Providers(tables, registry);
    this.sessions = new SessionDesk({
      leases,
      registry,
      epochs,
      keyOf,
      isOpen: (slot) => tables.rows.isOpen(slot),
      keep: () => this.#kept.keep(),
      now,
      random: Math.random,
    });
    this.#leases = leases;
    this.#settler = new ExitSettler(tables, { registry, now });
    this.#settler.settle(pools.changes);
    const { rows } = tables;
    this.states = new OperatorStates({
      stored,
      registry,
      rows,
      memory,
      secret: sessionSecret,
      wallTime: Date.now,
      warn,
    });
    this.limits = new LimitCounts(memory.limits, workers);
    this.#bury = (worker) => {
      places.bury(worker);
      this.limits.bury(worker);
    };
    this.#learned = new LearnedStore({
      folder: dataFolder,
      sections: learnedSections(tables, { exits: registry, now }),
      takeLearned: () => tables.groups.takeLearned(),
      moment,
      warn,
    });
    this.#learned.restore();
    this.#renewals = new IdRenewals({ registry, epochs, rows, now });
    this.#renewals.forget();
    this.#renewals.start();
    this.#kept = keepLeases({ folder: dataFolder, leases, registry, now, moment, warn });
    this.#learned.start();
    this.quotaCounts = new QuotaCounts(memory.limits, { now, wallTime: Date.now, met: () => {} });
    const store = QuotaStore.open(dataFolder, Date.now);
    this.quotas = new QuotaKeeper({ store, counts: this.quotaCounts, wallTime: Date.now, warn });
    this.ledger = limits.enabled ? new Ledger({ folder: dataFolder, limits, wallTime: Date.now, warn }) : null;
    const { ledger } = this;
    const note = (day: number, held: readonly HeldExits[]) => ledger?.noteHeld(day, held);
    this.#held =
      ledger === null ? null : new HeldExitsBook({ pools: () => registry.pools(), note, wallTime: Date.now });
  }

  /** When not all sessions came back from the last run; null where all did. */
  get sessionsLostSince(): number | null {
    return this.#kept.lostSince;
  }

  /** The registry reads another version of the pools: exits move in and out. */
  settle(pools: AppliedPools): void {
    this.registry.take(pools.record);
    this.#held?.look();
    this.#settler.settle(pools.changes);
    this.#renewals.look();
    this.states.apply();
  }

  /** Gives back what a worker held that has ended. */
  bury(worker: number): void {
    this.#bury(worker);
    this.#leases.keeper.bury(leaseThreadOf(worker));
  }

  /** Saves what is kept over a restart, for the last time. */
  async stop(): Promise<void> {
    this.#renewals.stop();
    this.states.stop();
    await this.#learned.stop();
    await this.#kept.stop();
    this.#held?.close();
    this.quotas.close();
    this.ledger?.close();
  }
}
