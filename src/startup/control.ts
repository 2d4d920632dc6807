import type { Commands } from '../admin/command.ts';
import { createCommands } from '../admin/commands.ts';
import type { Health } from '../admin/health.ts';
import { countUsable, exitPage, poolViews } from '../admin/pool-view.ts';
import type { Clients } from '../store/clients.ts';
import type { DataPlane } from './data-plane.ts';
import { relayHealthOf } from './tunnel-relay.ts';

export interface ControlOptions {
  readonly plane: DataPlane;
  readonly clients: Clients;
  readonly health: () => Health;
  readonly onClientsChanged: () => void;
}

/** The commands of the running gateway, over its live figures. */
export function gatewayCommands({ plane, clients, health, onClientsChanged }: ControlOptions): Commands {
  return createCommands({
    clients: () => clients,
    pools: () => poolViews(plane.registry, usableNow(plane)),
    exits: (query) => exitPage(plane.registry, query, (slot) => figuresOf(plane, slot)),
    health,
    report: (report, client) => plane.report(report, client),
    onClientsChanged,
  });
}

/** Tells whether the exit in a slot is not ejected now. */
function usableNow(plane: DataPlane): (slot: number) => boolean {
  const now = performance.now();
  return (slot) => plane.exits.ejectedUntilOf(slot) <= now;
}

function figuresOf(plane: DataPlane, slot: number) {
  const now = performance.now();
  const { latencyMs, inFlight, failuresInRow, ejectedUntil, generation } = plane.exits.row(slot, now);
  return {
    latencyMs: Math.round(latencyMs),
    inFlight,
    failuresInRow,
    ejectedForMs: Math.max(0, Math.round(ejectedUntil - now)),
    ...plane.verdicts.of({ slot, generation }),
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
  const { running, byKind } = plane.counters.snapshot();
  return {
    status: plane.phase === 'serving' ? (plane.isFull ? 'overloaded' : 'ok') : plane.phase,
    pid: process.pid,
    version,
    uptimeS: Math.round(process.uptime()),
    listeners: plane.listeners.bound,
    pools: plane.registry.pools().map(({ name, exits }) => ({
      name,
      exits,
      usable: countUsable(plane.registry, name, usableNow(plane)),
    })),
    exchanges: { open: running, byKind },
    connections: plane.connections,
    relay: relayHealthOf(plane.relay),
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
