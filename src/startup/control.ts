import type { Command, Commands } from '../admin/command.ts';
import { createCommands } from '../admin/commands.ts';
import type { Health } from '../admin/health.ts';
import { countUsable, exitPage, poolViews } from '../admin/pool-view.ts';
import type { ReloadPools } from '../admin/reload-command.ts';
import { ExchangeLimits } from '../gateway/exchange-limits.ts';
import { limitLine } from '../gateway/limit-lines.ts';
import type { ExitHealth } from '../selection/exit-health.ts';
import type { Clients } from '../store/clients.ts';
import { exitFigures } from './exit-figures.ts';
import type { Probing } from './probing.ts';
import type { SharedState } from './shared-state.ts';
import { relayHealthOf, type TunnelRelay } from './tunnel-relay.ts';
import type { WorkerGroup } from './worker-group.ts';

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
}

/** The commands of the running gateway, over its live figures. */
export function gatewayCommands(options: ControlOptions): Commands {
  const { group, shared, probing, clients, now, health, takeClients, reloadPools } = options;
  const { registry, exits, sessions, states } = shared;
  const { stored } = states;
  const limits = new ExchangeLimits({ counts: shared.limits, everyone: () => group.clientLimits, now });
  let figures = exitFigures({ health: exits, now: now() }, []);
  let taken: Promise<void> = Promise.resolve();
  const commands = createCommands({
    clients: () => clients,
    registry: () => registry,
    pools: () =>
      poolViews(registry, {
        disabled: stored.pools.byName,
        isUsable: usableBy({ exits, now }),
        probingOf: (name) => probing.viewOf(name),
      }),
    exitStates: () => stored.exits,
    disabledPools: () => stored.pools,
    onStatesChanged: () => states.apply(),
    wallTime: Date.now,
    exits: (query) => exitPage(registry, query, { figures, ...probing.knowledge }),
    health,
    reloadPools,
    report: (report, client) => group.report(report, client),
    sessions: () => sessions,
    limitsLeft: (name) => limits.figuresOf(clients.showClient(name)).map(limitLine),
    onClientsChanged: () => {
      taken = takeClients();
    },
  });
  const live =
    (name: string, run: Command): Command =>
    async (args) => {
      if (name === 'exit.list') figures = exitFigures({ health: exits, now: now() }, await group.verdicts());
      const result = run(args);
      await taken;
      return result;
    };
  return new Map([...commands].map(([name, run]) => [name, live(name, run)]));
}

/** Tells whether the exit in a slot may be picked now. */
function usableBy({
  exits,
  now,
}: {
  readonly exits: ExitHealth;
  readonly now: () => number;
}): (slot: number) => boolean {
  const moment = now();
  return (slot) => exits.rows.isOpen(slot) && exits.ejectedForMs(slot, moment) === 0;
}

export interface HealthOptions {
  /** Null while the gateway starts. */
  readonly running: { readonly group: WorkerGroup; readonly shared: SharedState } | null;
  readonly version: string;
  readonly relay: TunnelRelay;
  /** Asks the store whether it answers; throws where it doesn't. */
  readonly askStore: () => void;
  readonly now: () => number;
}

/** How the gateway is now. */
export function healthOf({ running, relay, version, askStore, now }: HealthOptions): Health {
  const common = {
    pid: process.pid,
    version,
    uptimeS: Math.round(process.uptime()),
    relay: relayHealthOf(relay),
    store: storeState(askStore),
  };
  if (running === null) {
    const [exchanges, workers] = [
      { open: 0, byKind: {} },
      { running: 0, replaced: 0, connections: [] },
    ];
    return { ...common, status: 'starting', listeners: [], pools: [], exchanges, connections: 0, workers };
  }
  const { group, shared } = running;
  const { stored } = shared.states;
  const { running: open, byKind } = group.counters();
  const isUsable = usableBy({ exits: shared.exits, now });
  return {
    ...common,
    status: group.phase === 'serving' ? (group.isFull ? 'overloaded' : 'ok') : group.phase,
    listeners: group.bound,
    pools: shared.registry.pools().map(({ name, exits }) => ({
      name,
      exits,
      usable: stored.pools.byName.has(name) ? 0 : countUsable(shared.registry, name, isUsable),
    })),
    exchanges: { open, byKind },
    connections: group.connections,
    workers: group.workers,
  };
}

function storeState(askStore: () => void): Health['store'] {
  try {
    askStore();
    return 'ok';
  } catch (cause) {
    return { fault: cause instanceof Error ? cause.message : String(cause) };
  }
}
