import { createServer } from 'node:net';
import type { Config, ListenerConfig } from '../config/config.ts';
import { clash } from '../config/listener-check.ts';
import { systemCode } from '../system-code.ts';
import type { CertificatePairs } from './certificates.ts';
import { StartFault } from './start-fault.ts';

/** Ports by listenerKey, as far as they are known: one that a config leaves to the system is known once it is bound. */
export type BoundPorts = ReadonlyMap<string, number>;

/** All that a worker's listeners are made of. */
export interface ListenerPlan {
  readonly config: Config;
  readonly ports: BoundPorts;
  readonly certificates: CertificatePairs;
}

/** Where a listener is bound. */
export interface BoundListener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** What makes a listener another one: a change of anything else takes effect on the socket that stands. */
export function listenerKey({ host, port, name }: ListenerConfig): string {
  return [host, port, port === 0 ? name : ''].join(' ');
}

/** Systems on which several sockets may listen at one address, and the system spreads connections over them (SO_REUSEPORT). */
const sharing: ReadonlySet<string> = new Set(['linux', 'freebsd', 'dragonfly', 'sunos', 'aix']);

/** Whether listeners share their addresses on this system: those of several workers, and one with what a reload leaves. */
export const canShare = (platform: string): boolean => sharing.has(platform);

/** Makes sure that nobody else holds the address of a listener that is new: listeners share an address (SO_REUSEPORT), and would
 *  share it with another gateway of the same user as well, or with a listener at a port that the system has chosen, which stays. Where
 *  one of `bound` has a part of the address only the bind can tell of others. Throws StartFault. */
export async function assertFree(
  config: Config,
  { bound, ports }: { readonly bound: readonly BoundListener[]; readonly ports: BoundPorts },
): Promise<void> {
  if (!canShare(process.platform)) return;
  const chosen = config.listeners.filter(({ port }) => port === 0);
  const staying = chosen.map((listener) => ({ host: listener.host, port: ports.get(listenerKey(listener)) ?? 0 }));
  for (const listener of config.listeners) {
    const isOurs = bound.some((held) => clash(held, listener)) && !staying.some((held) => clash(held, listener));
    if (listener.port === 0 || isOurs) continue;
    await bindOnce(listener).catch((cause: unknown) => {
      throw bindFault(listener, cause);
    });
  }
}

function bindOnce({ host, port }: ListenerConfig): Promise<void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => server.close(() => resolve()));
  });
}

/** Why the address can't be bound, for people. */
export function bindFault({ name, host, port }: ListenerConfig, cause: unknown): StartFault {
  return new StartFault(1, [`listener ${name}: cannot listen on ${host}:${port}: ${reasonOf(cause)}`], { cause });
}

function reasonOf(cause: unknown): string {
  switch (systemCode(cause)) {
    case 'EADDRINUSE':
      return 'the address is in use';
    case 'EACCES':
      return 'no permission (ports below 1024 need it)';
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}

/** The port of each listener, where the system has chosen those that the config leaves to it. */
export function portsOf(config: Config, bound: readonly BoundListener[]): BoundPorts {
  const ports = new Map(bound.map(({ name, port }) => [name, port]));
  return new Map(
    config.listeners.map((listener) => [listenerKey(listener), ports.get(listener.name) ?? listener.port]),
  );
}
