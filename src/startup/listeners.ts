import type { Socket } from 'node:net';
import type { Config, ListenerConfig } from '../config/config.ts';
import type { GatewayError } from '../errors.ts';
import type { Collaborators } from '../gateway/collaborators.ts';
import { CertificateFault } from '../listener/certificate.ts';
import type { ListenerContext } from '../listener/context.ts';
import { type Listener, listen } from '../listener/server.ts';
import { openTlsIdentity, type TlsIdentity } from '../listener/tls-identity.ts';
import type { Roster } from '../transport/roster.ts';
import { StartFault } from './start-fault.ts';

export interface ListenersOptions {
  readonly gateway: Collaborators;
  /** Where a self-signed certificate is kept. */
  readonly folder: string;
  /** All clients' sockets, kept up to date. */
  readonly sockets: Roster<Socket>;
  readonly admit: (socket: Socket) => GatewayError | null;
  readonly warn: (line: string) => void;
}

interface Bound {
  readonly listener: Listener;
  /** Which certificate `identity` was opened for. */
  readonly certificate: string;
  readonly identity: TlsIdentity | null;
  context: ListenerContext;
}

/** The listeners of the config in use. A reload that names an address again keeps its socket, so that nobody is refused. */
export class Listeners {
  readonly #options: ListenersOptions;
  #bound = new Map<string, Bound>();
  /** No longer named, but with exchanges under way. */
  readonly #leaving = new Set<Bound>();

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** Where each listens, in the config's order. */
  get bound(): readonly { name: string; host: string; port: number }[] {
    return [...this.#bound.values()].map(({ context, listener }) => ({
      name: context.name,
      host: listener.host,
      port: listener.port,
    }));
  }

  /** Binds what `config` names and isn't bound yet, then lets go of what it names no more. Throws StartFault before anything has
   *  changed where an address can't be bound or a certificate can't serve. */
  async apply(config: Config): Promise<void> {
    const next = new Map<string, Bound>();
    const fresh: Bound[] = [];
    try {
      for (const wanted of config.listeners) {
        const key = keyOf(wanted);
        const standing = this.#bound.get(key);
        const bound =
          standing === undefined ? await this.#bind(wanted, config) : await this.#renew(standing, { wanted, config });
        if (standing === undefined) fresh.push(bound);
        next.set(key, bound);
      }
    } catch (fault) {
      for (const [key, { identity }] of next) if (this.#bound.get(key)?.identity !== identity) identity?.close();
      await Promise.all(fresh.map(close));
      throw fault;
    }
    for (const wanted of config.listeners) {
      const bound = next.get(keyOf(wanted));
      if (bound !== undefined) bound.context = this.#contextOf(wanted, { config, identity: bound.identity });
    }
    const gone = [...this.#bound].filter(([key]) => !next.has(key)).map(([, bound]) => bound);
    for (const [key, { identity }] of this.#bound) if (next.get(key)?.identity !== identity) identity?.close();
    this.#bound = next;
    for (const bound of gone) {
      this.#leaving.add(bound);
      void close(bound).then(() => this.#leaving.delete(bound));
    }
    await Promise.all([...next.values()].map(({ identity }) => identity?.reload()));
  }

  /** Stops accepting everywhere; resolves when the last connection has closed. */
  async drain(): Promise<void> {
    await Promise.all([...this.#bound.values(), ...this.#leaving].map(close));
  }

  async #bind(wanted: ListenerConfig, config: Config): Promise<Bound> {
    const identity = wanted.protocols.includes('https') ? await this.#openIdentity(wanted, config) : null;
    const context = this.#contextOf(wanted, { config, identity });
    const listener = await listen({
      host: wanted.host,
      port: wanted.port,
      context: () => this.#bound.get(keyOf(wanted))?.context ?? context,
      admit: this.#options.admit,
      sockets: this.#options.sockets,
    }).catch((cause: unknown) => {
      identity?.close();
      throw new StartFault(
        1,
        [`listener ${wanted.name}: cannot listen on ${wanted.host}:${wanted.port}: ${reasonOf(cause)}`],
        { cause },
      );
    });
    return { listener, certificate: certificateKey(wanted), identity, context };
  }

  /** The socket that stands, with another certificate if the config names another. Its context is set once all is well. */
  async #renew(standing: Bound, { wanted, config }: { wanted: ListenerConfig; config: Config }): Promise<Bound> {
    const certificate = certificateKey(wanted);
    if (standing.certificate === certificate) return standing;
    const identity = wanted.protocols.includes('https') ? await this.#openIdentity(wanted, config) : null;
    return { ...standing, certificate, identity };
  }

  #openIdentity(wanted: ListenerConfig, config: Config): Promise<TlsIdentity> {
    return openTlsIdentity({
      certificate: wanted.certificate,
      folder: this.#options.folder,
      hosts: config.listeners.map(({ host }) => host),
      wallTime: Date.now(),
      onFault: ({ message }) => this.#options.warn(`listener ${wanted.name}: ${message}; the former certificate stays`),
    }).catch((cause: unknown) => {
      const what = cause instanceof CertificateFault ? cause.message : `cannot make a certificate: ${reasonOf(cause)}`;
      throw new StartFault(2, [`listener ${wanted.name}: ${what}`], { cause });
    });
  }

  #contextOf(wanted: ListenerConfig, made: { config: Config; identity: TlsIdentity | null }): ListenerContext {
    return {
      name: wanted.name,
      protocols: new Set(wanted.protocols),
      boundClient: wanted.client,
      dialects: wanted.dialects,
      replyFields: wanted.replyFields === 'on',
      via: wanted.via === 'on',
      heads: made.config.heads,
      timeouts: made.config.timeouts,
      secureContext: () => made.identity?.context(),
      gateway: this.#options.gateway,
    };
  }
}

async function close({ listener, identity }: Bound): Promise<void> {
  identity?.close();
  listener.drain();
  await listener.closed;
}

/** What makes a listener another one: a change of anything else takes effect on the socket that stands. */
function keyOf({ host, port, name }: ListenerConfig): string {
  return [host, port, port === 0 ? name : ''].join(' ');
}

function certificateKey({ protocols, certificate }: ListenerConfig): string {
  return protocols.includes('https') ? JSON.stringify(certificate) : '';
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if ('code' in cause && cause.code === 'EADDRINUSE') return 'the address is in use';
  if ('code' in cause && cause.code === 'EACCES') return 'no permission (ports below 1024 need it)';
  return cause.message;
}
