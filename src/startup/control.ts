import type { Command, Commands } from '../admin/command.ts';
import { createCommands } from '../admin/commands.ts';
import type { Health } from '../admin/health.ts';
import type { ExitFigures } from '../admin/pool-view.ts';
import { countUsable, exitPage, poolViews } from '../admin/pool-view.ts';
import type { Clients } from '../store/clients.ts';
import type { SessionDesk } from './session-desk.ts';
import { relayHealthOf, type TunnelRelay } from './tunnel-relay.ts';
import type { WorkerGroup } from './worker-group.ts';

/** What is known of each exit, by its slot. */
export type Figures = ReadonlyMap<number, ExitFigures>;

export interface ControlOptions {
  readonly group: WorkerGroup;
  readonly clients: Clients;
  readonly sessions: SessionDesk;
  readonly health: (figures: Figures) => Health;
  /** Hands changed clients to the workers; resolves when they hold everywhere. */
  readonly takeClients: () => Promise<void>;
}

/** The commands of the running gateway, over its live figures. */
export function gatewayCommands({ group, clients, sessions, health, takeClients }: ControlOptions): Commands {
  let figures: Figures = new Map();
  let taken: Promise<void> = Promise.resolve();
  const commands = createCommands({
    clients: () => clients,
    pools: () => poolViews(group.registry, usableBy(figures)),
    exits: (query) => exitPage(group.registry, query, (slot) => figures.get(slot) ?? null),
    health: () => health(figures),
    report: (report, client) => group.report(report, client),
    sessions: () => sessions,
    onClientsChanged: () => {
      taken = takeClients();
    },
  });
  const live =
    (name: string, run: Command): Command =>
    async (args) => {
      if (!name.startsWith('client.')) figures = await group.exitFigures();
      const result = run(args);
      await taken;
      return result;
    };
  return new Map([...commands].map(([name, run]) => [name, live(name, run)]));
}

/** Tells whether the exit in a slot is not ejected now. */
function usableBy(figures: Figures): (slot: number) => boolean {
  return (slot) => (figures.get(slot)?.ejectedForMs ?? 0) === 0;
}

export interface HealthOptions {
  /** Null while the gateway starts. */
  readonly group: WorkerGroup | null;
  readonly version: string;
  readonly relay: TunnelRelay;
  /** Asks the store whether it answers; throws where it doesn't. */
  readonly askStore: () => void;
  /** An exit without figures counts as usable. */
  readonly figures: Figures;
}

/** How the gateway is now. */
export function healthOf({ group, relay, version, askStore, figures }: HealthOptions): Health {
  const common = {
    pid: process.pid,
    version,
    uptimeS: Math.round(process.uptime()),
    relay: relayHealthOf(relay),
    store: storeState(askStore),
  };
  if (group === null) {
    const [exchanges, workers] = [
      { open: 0, byKind: {} },
      { running: 0, replaced: 0, connections: [] },
    ];
    return { ...common, status: 'starting', listeners: [], pools: [], exchanges, connections: 0, workers };
  }
  const { running, byKind } = group.counters();
  return {
    ...common,
    status: group.phase === 'serving' ? (group.isFull ? 'overloaded' : 'ok') : group.phase,
    listeners: group.bound,
    pools: group.registry.pools().map(({ name, exits }) => ({
      name,
      exits,
      usable: countUsable(group.registry, name, usableBy(figures)),
    })),
    exchanges: { open: running, byKind },
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
