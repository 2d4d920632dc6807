import { constants } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Config, ListenerConfig } from '../config/config.ts';
import type { GatewayError } from '../errors.ts';
import type { Collaborators } from '../gateway/collaborators.ts';
import type { CertificatePair } from '../listener/certificate.ts';
import type { ListenerContext } from '../listener/context.ts';
import { type Listener, listen } from '../listener/server.ts';
import { RecentAuthorities } from '../protocol/recent-authorities.ts';
import { certificateKey } from '../threads/certificates.ts';
import { type BoundListener, bindFault, type ListenerPlan, listenerKey } from '../threads/listener-plan.ts';
import type { ConnectionsByAge } from '../transport/connections-by-age.ts';
import { NodeSockets } from '../transport/node-sockets.ts';
import type { Roster } from '../transport/roster.ts';
import type { Socket, Sockets } from '../transport/socket.ts';
import type { WorkerPlace } from './worker-place.ts';

/** For so long, in ms, a reload waits for the addresses that it leaves: whoever connects meanwhile is accepted, one in each turn of the
 *  loop, and where very many do that takes longer. */
const LEAVE_MS = 1_000;

export interface ListenersOptions {
  readonly gateway: Collaborators;
  /** What is listened by where a protocol doesn't ask for Node's own sockets. */
  readonly network: Sockets;
  /** All clients' sockets, kept up to date. */
  readonly sockets: Roster<Socket>;
  /** Those of them that have shown no login yet. */
  readonly unproved: ConnectionsByAge;
  readonly admit: (socket: Socket, atRest: boolean) => GatewayError | null;
  readonly released: () => void;
  /** Passes connections on to other threads, by the key of the listener that accepted them, and is told of listeners that come into
   *  use. */
  readonly place: Pick<WorkerPlace, 'met' | 'passOn' | 'moveOn' | 'bound'>;
  /** Whether others may listen at the same addresses: other threads, and what a reload leaves. */
  readonly shared: boolean;
}

/** Listeners that may come into use: bound already where they are new. Exactly one of `commit` and `abort` is called; it acts at once, and
 *  resolves when the addresses that it leaves are free, or soon: the next reload may name them again. */
export interface PreparedListeners {
  /** Where each listens, in the config's order. */
  readonly bound: readonly BoundListener[];
  commit(): Promise<void>;
  abort(): Promise<void>;
}

interface Bound {
  readonly listener: Listener;
  /** Speaks TLS alone. */
  readonly isTls: boolean;
  context: ListenerContext;
}

/** One worker's listeners of the config in use. A reload that names an address again keeps its socket, so that nobody is refused. */
export class Listeners {
  readonly #options: ListenersOptions;
  #bound = new Map<string, Bound>();
  #secure = new Map<string, SecureContext>();
  /** Not in use: bound for the one config that may come into use, … */
  readonly #fresh = new Set<Bound>();
  /** … or no longer named, but with connections. */
  readonly #leaving = new Set<Bound>();
  #draining = false;

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** Binds what `plan` names and isn't bound yet. Throws StartFault where an address can't be bound; then nothing has changed. */
  async prepare(plan: ListenerPlan): Promise<PreparedListeners> {
    const { listeners } = plan.config;
    const next = new Map<string, Bound>();
    const closeFresh = () => this.#leave([...this.#fresh]);
    const secure = new Map([...plan.certificates].map(([key, pair]) => [key, secureContextOf(pair)]));
    try {
      for (const wanted of listeners) {
        const key = listenerKey(wanted);
        next.set(key, this.#bound.get(key) ?? (await this.#bind(wanted, plan, secure)));
      }
    } catch (fault) {
      await closeFresh();
      throw fault;
    }
    return { bound: boundOf(listeners, next), commit: () => this.#use(next, { plan, secure }), abort: closeFresh };
  }

  /** The listener of this key, where there is one. */
  at(key: string): Listener | undefined {
    return this.#bound.get(key)?.listener;
  }

  /** Of those in use, but for those that speak TLS alone. */
  get descriptors(): readonly number[] {
    return [...this.#bound.values()].filter(({ isTls }) => !isTls).map(({ listener }) => listener.descriptor);
  }

  /** The pair that serves the next handshake, where the certificate of this key is in use. */
  setCertificate(key: string, pair: CertificatePair): void {
    if (this.#secure.has(key)) this.#secure.set(key, secureContextOf(pair));
  }

  /** Stops accepting everywhere, also where it comes into use only later; resolves when the last connection has closed. */
  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all([...this.#bound.values(), ...this.#fresh, ...this.#leaving].map(close));
  }

  #use(
    next: Map<string, Bound>,
    { plan, secure }: { plan: ListenerPlan; secure: Map<string, SecureContext> },
  ): Promise<void> {
    this.#secure = secure;
    for (const wanted of plan.config.listeners) {
      const bound = next.get(listenerKey(wanted));
      if (bound !== undefined) bound.context = this.#contextOf(wanted, plan.config, () => this.#secure);
    }
    const fresh = [...this.#fresh].filter(({ isTls }) => !isTls);
    const gone = [...this.#bound].filter(([key]) => !next.has(key)).map(([, bound]) => bound);
    this.#bound = next;
    this.#fresh.clear();
    for (const { listener } of fresh) this.#options.place.bound(listener.descriptor);
    return this.#leave(gone);
  }

  async #leave(gone: readonly Bound[]): Promise<void> {
    const left = gone.map((bound) => {
      const { listener } = bound;
      this.#fresh.delete(bound);
      this.#leaving.add(bound);
      void listener.closed.then(() => this.#leaving.delete(bound));
      return listener.drain();
    });
    if (left.length > 0) await Promise.race([Promise.all(left), sleep(LEAVE_MS, undefined, { ref: false })]);
  }

  async #bind(wanted: ListenerConfig, plan: ListenerPlan, secure: Map<string, SecureContext>): Promise<Bound> {
    const key = listenerKey(wanted);
    const context = this.#contextOf(wanted, plan.config, () => secure);
    // TLS is made over a stream of Node's.
    const isTls = wanted.protocols.every((protocol) => protocol === 'https');
    const listener = await listen({
      network: isTls ? new NodeSockets() : this.#options.network,
      host: wanted.host,
      port: plan.ports.get(key) ?? wanted.port,
      shared: this.#options.shared,
      context: () => this.#bound.get(key)?.context ?? context,
      // Of one that is not in use yet other threads may know nothing.
      passOn: (socket) => {
        if (!isTls) this.#options.place.met();
        return this.#bound.has(key) && this.#options.place.passOn(socket, key);
      },
      admit: this.#options.admit,
      released: this.#options.released,
      sockets: this.#options.sockets,
      unproved: this.#options.unproved,
    }).catch((cause: unknown) => {
      throw bindFault(wanted, cause);
    });
    const bound = { listener, isTls, context };
    this.#fresh.add(bound);
    if (this.#draining) void listener.drain();
    return bound;
  }

  #contextOf(
    wanted: ListenerConfig,
    { heads, timeouts }: Config,
    secure: () => ReadonlyMap<string, SecureContext>,
  ): ListenerContext {
    const key = certificateKey(wanted);
    const address = listenerKey(wanted);
    return {
      name: wanted.name,
      protocols: new Set(wanted.protocols),
      boundClient: wanted.client,
      dialects: wanted.dialects,
      replyFields: wanted.replyFields === 'on',
      via: wanted.via === 'on',
      heads,
      timeouts,
      secureContext: () => (key === null ? undefined : secure().get(key)),
      readAuthority: new RecentAuthorities().read,
      moveOn: (socket) => this.#bound.has(address) && this.#options.place.moveOn(socket, address),
      gateway: this.#options.gateway,
    };
  }
}

async function close({ listener }: Bound): Promise<void> {
  await listener.drain();
  await listener.closed;
}

function boundOf(listeners: readonly ListenerConfig[], bound: ReadonlyMap<string, Bound>): readonly BoundListener[] {
  return listeners.map((wanted) => {
    const { name, host, port } = wanted;
    return { name, host, port: bound.get(listenerKey(wanted))?.listener.port ?? port };
  });
}

/** Without renegotiation (TLS 1.2, RFC 5246 §7.4.1.1): no client needs it, and each costs as much as a login, before there is one. */
function secureContextOf({ cert, key }: CertificatePair): SecureContext {
  return createSecureContext({ cert, key, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_RENEGOTIATION });
}
