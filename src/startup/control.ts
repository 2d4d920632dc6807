import type { Command, Commands } from '../admin/command.ts';
import { createCommands } from '../admin/commands.ts';
import { noExit } from '../admin/exit-names.ts';
import { exitPage } from '../admin/exit-page.ts';
import { type ExitKnowledge, exitView } from '../admin/exit-view.ts';
import { exitWalk } from '../admin/exit-walk.ts';
import { type Health, keepingFaults, missingSources, type Readiness } from '../admin/health.ts';
import { operatorStatus } from '../admin/operator-status.ts';
import { poolStats } from '../admin/pool-stats.ts';
import { countUsable, poolViews } from '../admin/pool-view.ts';
import type { ReloadPools } from '../admin/reload-command.ts';
import { ExchangeLimits } from '../gateway/limits/exchange-limits.ts';
import type { LedgerHealth } from '../keeping/ledger-writer.ts';
import { QuotaDesk } from '../keeping/quota-desk.ts';
import type { Probing } from '../probing/probing.ts';
import { limitLine } from '../protocol/rate-limit-fields.ts';
import type { JudgedExit } from '../signals/verdict-ledger.ts';
import type { PoolSources } from '../sources/pool-sources.ts';
import type { Clients } from '../store/clients.ts';
import { relayHealthOf, type TunnelRelay } from '../threads/tunnel-relay.ts';
import type { SharedState } from '../workers/shared-state.ts';
import type { WorkerGroup } from '../workers/worker-group.ts';
import { exitFigures } from './exit-figures.ts';
import { ExitInsights } from './exit-insights.ts';
import type { Standing } from './reload.ts';

export interface ControlOptions {
  readonly group: WorkerGroup;
  readonly clients: Clients;
  readonly shared: SharedState;
  readonly probing: Probing;
  readonly now: () => number;
  readonly health: () => Health;
  /** Hands changed clients to the workers; resolves when they hold everywhere. */
  readonly takeClients: () => Promise<void>;
  readonly reloadPools: ReloadPools;
  /** Why a pool keeps what it had when it was read last. */
  readonly faultsOf: (pool: string) => readonly string[];
  readonly sources: PoolSources;
}

/** The commands of the running gateway, over its live figures. */
export function gatewayCommands(options: ControlOptions): Commands {
  const { group, shared, probing, clients, now, health, takeClients, reloadPools, faultsOf, sources } = options;
  const { registry, sessions, states } = shared;
  const { stored } = states;
  const limits = new ExchangeLimits({ counts: shared.limits, everyone: () => group.config.clientLimits, now });
  const everyone = () => group.config.clientQuotas;
  const quotas = new QuotaDesk({ counts: shared.quotaCounts, keeper: shared.quotas, everyone });
  const insights = new ExitInsights({
    tables: shared.tables,
    parameters: () => group.config.selection,
    sessions,
    failures: (slot) => group.failures(slot),
    now,
  });
  let verdicts: Awaited<ReturnType<WorkerGroup['verdicts']>> = [];
  const knowledge = () => ({ ...exitKnowledge(shared, { verdicts, now: now() }), ...probing.knowledge });
  let taken: Promise<void> = Promise.resolve();
  const commands = createCommands({
    clients: () => clients,
    registry: () => registry,
    pools: () =>
      poolViews(registry, {
        disabled: stored.pools.byName,
        isUsable: usableBy(shared, now()),
        probingOf: (name) => probing.viewOf(name),
        sourcesOf: (name) => sources.viewsOf(name),
        faultsOf,
        providers: shared.providers.views(),
      }),
    exitStates: () => stored.exits,
    statesByExit: () => stored.exits.byExit,
    disabledPools: () => stored.pools,
    disabledByName: () => stored.pools.byName,
    onStatesChanged: () => states.apply(),
    wallTime: Date.now,
    poolStats: (view) =>
      poolStats(registry, view, { ...knowledge(), traffic: (number) => group.figures.countersOf(number) }),
    exits: (query) => exitPage(registry, query, knowledge()),
    walkExits: (query) => exitWalk(registry, query, knowledge()),
    exit: async (id, states) => {
      const slot = registry.slotOf(id) ?? -1;
      const exit = registry.exitAt(slot);
      if (exit === undefined) throw noExit(id);
      return { ...exitView(exit, slot, knowledge()), states, insight: await insights.of(id, slot) };
    },
    health,
    reloadPools,
    report: (report, client) => group.report(report, client),
    sessions: () => sessions,
    writeLedger: async () => {
      await group.postBookings();
      return { waiting: shared.ledger?.health.waiting ?? 0 };
    },
    checks: () => probing.checks,
    quotasLeft: (client) => quotas.viewsOf(client),
    quotas: () => quotas,
    limitsLeft: (name) => limits.readableStatesOf(clients.showClient(name)).map(limitLine),
    onClientsChanged: () => {
      taken = takeClients();
    },
  });
  const live =
    (name: string, run: Command): Command =>
    async (args) => {
      if (name === 'exit.list' || name === 'exit.walk' || name === 'exit.show') verdicts = await group.verdicts();
      const result = await run(args);
      await taken;
      return result;
    };
  return new Map([...commands].map(([name, run]) => [name, live(name, run)]));
}

/** What is known of exits now, by all that counted verdicts. */
function exitKnowledge(
  { registry, exits, states }: SharedState,
  { verdicts, now }: { verdicts: readonly (readonly JudgedExit[])[]; now: number },
): Pick<ExitKnowledge, 'figures' | 'statusOf'> {
  const { stored } = states;
  const said = operatorStatus(registry, { exits: stored.exits.byExit, pools: stored.pools.byName });
  const seen = (slot: number) =>
    exits.rows.failuresInRowOf(slot) === 0 ? 'ok' : exits.ejectedForMs(slot, now) > 0 ? 'cooling' : 'failing';
  return { figures: exitFigures({ health: exits, now }, verdicts), statusOf: (slot) => said(slot) ?? seen(slot) };
}

/** Tells whether the exit in a slot may be picked now. */
function usableBy({ exits, providers }: SharedState, moment: number): (slot: number) => boolean {
  const { health } = providers;
  const isDown = health.anyClosed ? (slot: number) => health.isDown(slot) : () => false;
  return (slot) => exits.rows.isOpen(slot) && exits.ejectedForMs(slot, moment) === 0 && !isDown(slot);
}

export interface HealthOptions extends Standing {
  /** Null while the gateway starts. */
  readonly running: { readonly group: WorkerGroup; readonly shared: SharedState } | null;
  readonly version: string;
  readonly relay: TunnelRelay;
  /** Asks the store whether it answers; throws where it doesn't. */
  readonly askStore: () => void;
  readonly now: () => number;
}

/** How the gateway is now. */
export function healthOf({ running, relay, version, askStore, now, ...standing }: HealthOptions): Health {
  const store = storeState(askStore);
  const common = {
    pid: process.pid,
    version,
    uptimeS: Math.round(process.uptime()),
    relay: relayHealthOf(relay),
    store,
    ...standing,
  };
  if (running === null) {
    const [exchanges, workers] = [
      { open: 0, byKind: {} },
      { running: 0, inFront: 0, replaced: 0, stuck: [], connections: [] },
    ];
    return {
      ...common,
      ledger: 'ok',
      quotas: 'ok',
      status: 'starting',
      listeners: [],
      pools: [],
      providers: [],
      exchanges,
      connections: 0,
      workers,
    };
  }
  const { group, shared } = running;
  const { stored } = shared.states;
  const { running: open, byKind } = group.figures.counters;
  const isUsable = usableBy(shared, now());
  const ledger = ledgerState(shared.ledger?.health ?? null);
  const quotas = shared.quotas.health.fault === null ? 'ok' : { fault: shared.quotas.health.fault };
  const faults = keepingFaults({ store, ledger, quotas });
  return {
    ...common,
    ledger,
    quotas,
    status: statusOf(group, faults.length + group.stuck.length + missingSources(standing).length > 0),
    listeners: group.bound,
    pools: shared.registry.pools().map(({ name, exits }) => ({
      name,
      exits,
      usable: stored.pools.byName.has(name) ? 0 : countUsable(shared.registry, name, isUsable),
    })),
    providers: shared.providers.views().filter(({ standing }) => standing !== 'up'),
    exchanges: { open, byKind },
    connections: group.connections,
    workers: group.workers,
  };
}

/** Whether it should get traffic now: nothing that is counted, and nothing that is asked of the store, changes that. */
export function readinessOf(group: WorkerGroup | null): Readiness {
  if (group === null) return { status: 'starting', listeners: [], workers: { stuck: [] } };
  const { stuck } = group;
  return { status: statusOf(group, false), listeners: group.bound, workers: { stuck } };
}

function statusOf({ phase, isFull }: WorkerGroup, isDegraded: boolean): Health['status'] {
  if (phase !== 'serving') return phase;
  if (isFull) return 'overloaded';
  return isDegraded ? 'degraded' : 'ok';
}

function ledgerState(health: LedgerHealth | null): Health['ledger'] {
  if (health === null) return 'off';
  return health.fault === null ? 'ok' : { fault: health.fault, waiting: health.waiting };
}

function storeState(askStore: () => void): Health['store'] {
  try {
    askStore();
    return 'ok';
  } catch (cause) {
    return { fault: cause instanceof Error ? cause.message : String(cause) };
  }
}
