import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { AbortView } from './abort.ts';
import { raceAddresses } from './address-race.ts';
import { Cutoff } from './cutoff.ts';
import { descriptorOf } from './descriptor.ts';
import type { Blame } from './dial-failure.ts';
import { ignoreError } from './ignore-error.ts';
import { type AddressQuestion, judgedAddresses } from './judged-addresses.ts';
import { NodeSockets, NodeStreams } from './node-sockets.ts';
import type { Resolver } from './resolver.ts';
import type { ConnectOptions, Socket, Sockets } from './socket.ts';
import { secureStream } from './tls-client.ts';

/** Silence on a connection before TCP probes it, in ms. */
export const KEEP_ALIVE_DELAY_MS = 60_000;
/** Distinct certificate authorities whose contexts are kept; making one costs more than a dial. */
const CONTEXT_LIMIT = 256;

/** TLS to what is dialled. */
export interface DialTls {
  /** What the certificate must name, the dialled host unless told; sent as SNI where it is no address (RFC 6066 §3). */
  readonly servername?: string;
  readonly verify: boolean;
  /** PEM of the authorities to trust in place of the well-known ones. */
  readonly ca?: string | null;
}

/** Where to connect, and what may happen on the way. */
export interface DialTarget extends AddressQuestion {
  readonly port: number;
  /** The address of ours that it is dialled from; whichever the system takes unless told. An exit is known by it. */
  readonly from?: string | undefined;
  readonly tls?: DialTls;
  /** Whether TCP keep-alive is left to whoever keeps the connection: it takes as many calls of the system as all the rest of a
   *  dial, and most tunnels are over before the first probe. */
  readonly brief?: boolean;
  /** How many octets the system may hold that nobody has read, about, where it can be told; as many as it likes unless given. */
  readonly mostUnread?: number | undefined;
  /** Told of the connection once it stands, before TLS: of its octets all are counted from the first one on. */
  readonly onWire?: (socket: Socket) => void;
}

/** TLS with whom a stream leads to. */
export interface SecureTarget extends DialTls {
  readonly host: string;
  readonly blame: Blame;
}

/** How long it may take. */
export interface DialLimits {
  /** Duration of it all: names, connection and TLS. */
  readonly deadlineMs: number;
  readonly signal?: AbortView;
}

/** The two ends of a connection. */
export type SocketEnds = Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>;

/** The only way to open a connection outward. */
export interface Dialler {
  /** A connected socket: half-open allowed, no delay, TCP keep-alive unless `brief`, nothing read yet by a listener. It carries one listener
   *  of ours for `error`, which does nothing, so that a fault before its owner listens ends no process. From here on the caller
   *  owns it, and must look at `destroyed` before relying on events still to come.
   *  Rejects with GatewayError, or with the signal's reason; then no socket, timer or listener is left. */
  dial(target: DialTarget & DialLimits): Promise<Socket>;
  /** The same as one step of a longer job. */
  dialWithin(target: DialTarget, cutoff: Cutoff): Promise<Socket>;
  /** TLS over a stream that stands already, as dialWithin() makes it over its own. The stream goes where the TLS fails. */
  secureWithin(stream: Duplex, target: SecureTarget, cutoff: Cutoff): Promise<tls.TLSSocket>;
  /** Where a host may be reached: see judgedAddresses. */
  addresses(question: AddressQuestion, cutoff: Cutoff): readonly string[] | Promise<readonly string[]>;
  /** Whether the other end of an accepted connection is a socket that we opened ourselves: a loop, whatever name or address led
   *  here. Both ends are compared, because a client on this machine may share a local port with one of ours. Ask when the first
   *  request has come; a connection may be accepted before its other end knows that it is connected. */
  isOwnSocket(accepted: SocketEnds): boolean;
  /** Whether isOwnSocket() depends on this socket of ours staying open in JavaScript. */
  mayLoop(socket: Socket): boolean;
  /** Connections open now. */
  readonly open: number;
}

/** Connections that we opened ourselves, each as a text of its local and its remote end. */
export interface OwnConnections {
  add(ends: string): void;
  delete(ends: string): void;
  has(ends: string): boolean;
  /** Whether there are none at all, so that nobody need look up ends. */
  readonly isEmpty: boolean;
  /** Those of this dialler. */
  readonly size: number;
}

class ConnectionSet extends Set<string> implements OwnConnections {
  get isEmpty(): boolean {
    return this.size === 0;
  }
}

/** What the system holds for a descriptor that nobody has read. */
export interface Buffers {
  unread(descriptor: number): number;
  bound(descriptor: number, octets: number): void;
}

export interface DiallerOptions {
  readonly resolver: Resolver;
  /** Whether this process listens on the port, so that a connection to it may be one to ourselves; where absent, any may. */
  readonly mayLoop?: (port: number) => boolean;
  /** Where the connections are known to all that accept; this dialler's alone where absent. */
  readonly own?: OwnConnections;
  /** What connections without TLS are made by; Node's own sockets unless told. TLS needs those. */
  readonly sockets?: Sockets;
  /** Tells what nobody has read of a connection that is destroyed, and bounds it; neither can be done where it is absent. */
  readonly buffers?: Buffers | undefined;
  /** Told of each socket as it is made. */
  readonly onSocket?: (socket: Socket) => void;
}

/** A dialler over `resolver`. It opens nothing by itself. */
export function createDialler(options: DiallerOptions): Dialler {
  return new TcpDialler(options);
}

/** What begins to connect, by one kind of sockets. */
interface Connecting<S extends Socket> {
  connect(options: ConnectOptions): S;
}

class TcpDialler implements Dialler {
  readonly #options: DiallerOptions;
  readonly #own: OwnConnections;
  readonly #sockets: Sockets;
  readonly #streams: NodeStreams;
  readonly #ownSockets = new WeakSet<Socket>();
  /** By certificate authority; the empty text stands for the well-known ones. Oldest first. */
  readonly #contexts = new Map<string, tls.SecureContext>();

  constructor(options: DiallerOptions) {
    this.#options = options;
    this.#own = options.own ?? new ConnectionSet();
    this.#sockets = options.sockets ?? new NodeSockets();
    const { buffers } = options;
    this.#streams = new NodeStreams(buffers && ((descriptor) => buffers.unread(descriptor)));
  }

  get open(): number {
    return this.#own.size;
  }

  isOwnSocket(accepted: SocketEnds): boolean {
    return !this.#own.isEmpty && this.#own.has(`${remoteEnd(accepted)} ${localEnd(accepted)}`);
  }

  mayLoop(socket: Socket): boolean {
    return this.#ownSockets.has(socket);
  }

  async dial(target: DialTarget & DialLimits): Promise<Socket> {
    const cutoff = new Cutoff(target.deadlineMs, target.signal);
    try {
      return await this.dialWithin(target, cutoff);
    } finally {
      cutoff.close();
    }
  }

  async dialWithin(target: DialTarget, cutoff: Cutoff): Promise<Socket> {
    // First of all: it throws where the authorities can't be read.
    const context = target.tls === undefined ? null : this.#context(target.tls.ca ?? '');
    const found = this.addresses(target, cutoff);
    // Exits are mostly listed by address: one turn of the microtasks less for each dial.
    const addresses = found instanceof Promise ? await found : found;
    const { blame, from } = target;
    const race = <S extends Socket>(by: Connecting<S>): Promise<S> => {
      const open = (address: string): S => this.#connect(address, target, by);
      return raceAddresses(addresses, { open, blame, bound: from !== undefined }, cutoff);
    };
    if (context === null) return this.#met(await race(this.#sockets), target);
    const socket = this.#met(await race(this.#streams), target);
    return secureStream(socket, { ...target, ...target.tls, context }, cutoff);
  }

  secureWithin(stream: Duplex, target: SecureTarget, cutoff: Cutoff): Promise<tls.TLSSocket> {
    const context = this.#context(target.ca ?? '');
    return secureStream(stream, { ...target, context }, cutoff);
  }

  addresses(question: AddressQuestion, cutoff: Cutoff): readonly string[] | Promise<readonly string[]> {
    return judgedAddresses(this.#options.resolver, question, cutoff);
  }

  #connect<S extends Socket>(host: string, { port, from, brief = false }: DialTarget, by: Connecting<S>): S {
    const keepAliveMs = brief ? 0 : KEEP_ALIVE_DELAY_MS;
    const socket = by.connect({ host, port, ...(from !== undefined && { localAddress: from }), keepAliveMs });
    socket.on('error', ignoreError);
    this.#options.onSocket?.(socket);
    return socket;
  }

  /** The connection stands. */
  #met<S extends Socket>(socket: S, { port, mostUnread, onWire }: DialTarget): S {
    this.#register(socket, port);
    if (mostUnread !== undefined) this.#options.buffers?.bound(descriptorOf(socket), mostUnread);
    onWire?.(socket);
    return socket;
  }

  /** Only what goes to a port on which we listen ourselves can come back as a client. */
  #register(socket: Socket, port: number): void {
    if (this.#options.mayLoop?.(port) === false) return;
    const pair = `${localEnd(socket)} ${remoteEnd(socket)}`;
    this.#own.add(pair);
    this.#ownSockets.add(socket);
    socket.once('close', () => this.#own.delete(pair));
  }

  #context(ca: string): tls.SecureContext {
    const known = this.#contexts.get(ca);
    if (known !== undefined) return known;
    const context = tls.createSecureContext({ minVersion: 'TLSv1.2', ca: ca === '' ? undefined : ca });
    this.#contexts.set(ca, context);
    if (this.#contexts.size > CONTEXT_LIMIT) {
      const oldest = this.#contexts.keys().next();
      if (!oldest.done) this.#contexts.delete(oldest.value);
    }
    return context;
  }
}

const localEnd = (ends: SocketEnds): string => `${plain(ends.localAddress)} ${ends.localPort}`;
const remoteEnd = (ends: SocketEnds): string => `${plain(ends.remoteAddress)} ${ends.remotePort}`;

/** A dual-stack listener shows IPv4 addresses in mapped form. */
const plain = (address: string | undefined): string | undefined =>
  address?.startsWith('::ffff:') ? address.slice(7) : address;
