import type { Commands } from '../admin/command.ts';
import { createCommands } from '../admin/commands.ts';
import type { Health } from '../admin/health.ts';
import { type ExitView, exitViews, poolViews } from '../admin/pool-view.ts';
import type { Exit } from '../pool/exit.ts';
import type { Clients } from '../store/clients.ts';
import type { DataPlane } from './data-plane.ts';

export interface ControlOptions {
  readonly plane: DataPlane;
  readonly clients: Clients;
  readonly health: () => Health;
  readonly onClientsChanged: () => void;
}

/** The commands of the running gateway, over its live figures. */
export function gatewayCommands({ plane, clients, health, onClientsChanged }: ControlOptions): Commands {
  const pools = () => plane.registry.pools();
  const exits = (): ExitView[] => exitViews(pools(), (exit) => figuresOf(plane, exit));
  return createCommands({
    clients: () => clients,
    pools: () => poolViews(pools(), exits()),
    exits,
    health,
    onClientsChanged,
  });
}

function figuresOf(plane: DataPlane, exit: Exit) {
  const slot = plane.registry.slotOf(exit.id);
  if (slot === undefined) return null;
  const now = performance.now();
  const { latencyMs, inFlight, failuresInRow, ejectedForMs } = plane.selection.health.viewOf(slot, now);
  return {
    latencyMs: Math.round(latencyMs),
    inFlight,
    failuresInRow,
    ejectedForMs: Math.round(ejectedForMs),
  };
}

export interface HealthOptions {
  readonly plane: DataPlane;
  readonly version: string;
  /** Asks the store whether it answers; throws where it doesn't. */
  readonly askStore: () => void;
}

/** How the gateway is now. */
export function healthOf({ plane, version, askStore }: HealthOptions): Health {
  const now = performance.now();
  const { running, byKind } = plane.counters.snapshot();
  return {
    status: plane.phase === 'serving' ? (plane.isFull ? 'overloaded' : 'ok') : plane.phase,
    pid: process.pid,
    version,
    uptimeS: Math.round(process.uptime()),
    listeners: plane.listeners.bound,
    pools: plane.registry.pools().map(({ name, exits }) => ({
      name,
      exits: exits.length,
      usable: exits.filter(({ id }) => plane.selection.health.ejectedForMs(plane.registry.slotOf(id) ?? -1, now) === 0)
        .length,
    })),
    exchanges: { open: running, byKind },
    connections: plane.connections,
    store: storeState(askStore),
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
