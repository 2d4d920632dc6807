import type { RelayOutcome, RelayOwner } from '../../transport/relay.ts';
import type { Socket } from '../../transport/socket.ts';
import type { OpenedTunnel } from '../../transport/tunnel.ts';
import { bookAsItRuns } from '../attempt-books.ts';
import { runAttempts } from '../attempts.ts';
import { departure } from '../choosing/exit-rests.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import { mostUnread, openRoute } from './exit-route.ts';
import { HelloWatch, judgeEnd, watchesHello } from './tunnel-watch.ts';

/** Opens the tunnel that a CONNECT or SOCKS5 request asks for. Until this resolves the client has been told nothing, so every
 *  failure of an exit may be repeated elsewhere. Throws GatewayError, or ClientLeft. */
export function openExchangeTunnel(deps: Collaborators, exchange: Exchange): Promise<OpenedTunnel> {
  return runAttempts(deps, exchange, {
    run: (attempt) => openRoute(deps, exchange, { attempt, turn: () => departure(deps, exchange, attempt) }),
    mayRepeat: () => true,
    mayHedge: () => true,
    discard: ({ socket }) => socket.destroy(),
  });
}

/** A client's socket, what it sent behind its request, and the reply that tells it success. */
export interface TunnelClient {
  readonly socket: Socket;
  readonly early: Buffer;
  readonly reply: Buffer;
}

/** Tells success, and relays between the client and its tunnel until both directions have ended, either side is reset, nothing
 *  moves for the idle limit, or the exchange's own deadline passes. `onEnd` is called when both sockets are done with, and never
 *  before this has returned. */
export function relayTunnel(
  deps: Collaborators,
  exchange: Exchange,
  sides: { client: TunnelClient; exit: OpenedTunnel },
  onEnd: RelayedHow['onEnd'],
): RelayedExchange {
  const { client, exit } = sides;
  const { timeouts } = deps.settings();
  const early = exit.early.length + exit.socket.readableLength;
  const flow = deps.flows.tunnel(exchange);
  const relayed = new RelayedExchange(exchange, { deps, onEnd });
  const handle = deps.relay(client.socket, exit.socket, {
    now: deps.now,
    idleMs: timeouts.tunnelIdle,
    reply: client.reply,
    earlyA: client.early,
    earlyB: exit.early,
    watchesA: watchesHello(deps, exchange),
    // Whole: a number with a fraction takes an object of its own for each tunnel.
    expiresAt: Math.ceil(exchange.startedAt + timeouts.exchange),
    mostUnreadB: mostUnread(exchange),
    allowance: flow?.first(),
    owner: relayed,
  });
  exchange.carrier = handle;
  flow?.begin(handle);
  bookAsItRuns(deps, exchange);
  if (handle.outside) exchange.meter?.wire?.handTo(handle, early);
  return relayed;
}

/** In what an exchange's tunnel is relayed, and what is done at its end. */
export interface RelayedHow {
  readonly deps: Collaborators;
  readonly onEnd: (deps: Collaborators, exchange: Exchange) => void;
}

/** What waits for the end of an exchange's tunnel: this object and no more, however long that takes. */
export class RelayedExchange implements RelayOwner {
  readonly exchange: Exchange;
  readonly #deps: Collaborators;
  readonly #onEnd: RelayedHow['onEnd'];
  /** Null until the client has said something that is to be seen. */
  #hello: HelloWatch | null = null;
  /** Octets that had passed when it was looked at last. */
  #passed = 0;

  constructor(exchange: Exchange, { deps, onEnd }: RelayedHow) {
    this.exchange = exchange;
    this.#deps = deps;
    this.#onEnd = onEnd;
  }

  /** It was looked at, and goes on: if nothing has passed outside since the look before, it may rest. */
  looked(): void {
    const { carrier } = this.exchange;
    if (carrier?.handTo === undefined) return;
    const { bytesAtoB, bytesBtoA } = carrier.counts();
    const passed = bytesAtoB + bytesBtoA;
    if (passed === this.#passed) this.#deps.resting.take(this.exchange, { deps: this.#deps, onEnd: this.#onEnd });
    else this.#passed = passed;
  }

  onSpent(): void {
    this.exchange.flow?.spent();
  }

  sees(octets: Buffer): boolean {
    this.#hello ??= new HelloWatch();
    return this.#hello.see(octets);
  }

  onEnd(outcome: RelayOutcome): void {
    const [deps, exchange] = [this.#deps, this.exchange];
    try {
      this.#note(outcome);
    } finally {
      // Whatever happens the exchange gives back what it holds.
      this.#onEnd(deps, exchange);
    }
  }

  #note(outcome: RelayOutcome): void {
    const [deps, exchange] = [this.#deps, this.exchange];
    exchange.ending ??= cameWhole(outcome) ? 'ok' : 'cut';
    if (exchange.ending !== 'ok')
      exchange.by ??= outcome.by === 'a' ? 'client' : outcome.by === 'b' ? 'origin' : 'gateway';
    exchange.clientBytes += outcome.bytesAtoB;
    exchange.originBytes += outcome.bytesBtoA;
    exchange.flow?.end(outcome.bytesAtoB + outcome.bytesBtoA);
    exchange.meter?.wire?.leave(outcome.unreadB);
    judgeEnd(deps, exchange, { end: outcome, name: this.#hello?.name ?? null });
  }
}

/** Whether nothing is missing of what the origin sent: both sides ended, or it did so first and then refused the client's last
 *  words, as servers do that close behind their answer when the client's close_notify comes. */
export function cameWhole({ ended, by, endedFirst }: RelayOutcome): boolean {
  return ended === 'closed' || (ended === 'reset' && by === 'b' && endedFirst === 'b');
}
