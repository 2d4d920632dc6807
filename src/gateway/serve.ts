import { GatewayError } from '../errors.ts';
import type { Authority } from '../protocol/authority.ts';
import { guard } from '../transport/guard.ts';
import type { Socket } from '../transport/socket.ts';
import { admissionTo, authorise, type Identity } from './admission.ts';
import { endExchange } from './attempt-books.ts';
import type { Collaborators } from './collaborators.ts';
import { Deadline } from './deadline.ts';
import { Exchange, type ExchangeOpening } from './exchange.ts';
import { noteFailure } from './failure-note.ts';
import { isInternal, missedInternal } from './internal/internal-host.ts';
import { openExchangeTunnel, relayTunnel, type TunnelClient } from './tunnels/tunnel-exchange.ts';

/** Who asks, and how. */
export interface Opening extends Omit<ExchangeOpening, 'id' | 'startedAt'> {
  /** The deadline of the whole exchange, of a client that serves one after the other: it expires the one under way, and is left
   *  at rest. */
  readonly lifetime?: Deadline;
}

/** What becomes of an exchange: `line` carries it out, `refuse` tells the client of a failure while that can still be told. */
export interface Phases<T> {
  line(exchange: Exchange): Promise<T>;
  refuse(exchange: Exchange, fault: unknown): Promise<T> | T;
}

/** One exchange from its beginning to its booking, or until its tunnel is relayed; then the end of that is its own. Whatever
 *  happens the exchange gives back what it holds and is booked, once. Never rejects, unless `refuse` does. */
export async function serveExchange<T>(deps: Collaborators, opening: Opening, phases: Phases<T>): Promise<T> {
  const { mode, method, listener, source } = opening;
  const exchange = new Exchange({ id: deps.newId(), mode, method, listener, source, startedAt: deps.now() });
  const lifetime = opening.lifetime ?? new Deadline(() => exchange.expire());
  lifetime.set(deps.settings().timeouts.exchange);
  exchange.lifetime = lifetime;
  deps.begin();
  try {
    if (deps.draining()) throw new GatewayError('draining', { detail: 'the gateway is shutting down' });
    return await phases.line(exchange);
  } catch (fault) {
    noteFailure(exchange, fault);
    // Whoever is told that nothing is under way any more may ask again at once, and of another thread.
    endLimits(deps, exchange);
    return await phases.refuse(exchange, fault);
  } finally {
    if (exchange.relayed === null) {
      if (opening.lifetime === undefined) lifetime.clear();
      else lifetime.rest();
      finish(deps, exchange);
    }
  }
}

/** What an exchange that has ended leaves behind, one thing after another. */
type Step = (deps: Collaborators, exchange: Exchange, now: number) => void;

const giveBack: readonly Step[] = [
  ({ guards }, exchange, now) => guards.ended(exchange, now),
  ({ uses }, exchange) => uses.ended(exchange),
  ({ limits }, exchange) => limits.ended(exchange),
  ({ quotas }, exchange) => quotas.ended(exchange),
  ({ flows }, exchange) => flows.ended(exchange),
  ({ pacing }, exchange) => pacing.ended(exchange),
  endExchange,
  ({ signals }, exchange, now) => signals.recent.ended(exchange.ticket, now),
];

/** Gives back what the exchange holds, and books it. A fault of ours in one step must not leave the others undone: what they would
 *  give back would be gone until the next start. */
function finish(deps: Collaborators, exchange: Exchange): void {
  const now = deps.now();
  for (const step of giveBack) {
    try {
      step(deps, exchange, now);
    } catch (fault) {
      exchange.fault ??= fault;
    }
  }
  // The client need not wait for what is thought of its page.
  if (exchange.judging === null) guard(() => deps.book(exchange, now));
  else void bookJudged(deps, exchange, exchange.judging);
}

/** Rejects, and so is told of, where booking itself fails. */
async function bookJudged(deps: Collaborators, exchange: Exchange, judging: Promise<void>): Promise<void> {
  try {
    await judging;
  } catch (fault) {
    exchange.fault ??= fault;
  }
  deps.book(exchange, deps.now());
}

/** Before its other steps; the client is told of its failure in any case. */
function endLimits({ limits }: Collaborators, exchange: Exchange): void {
  try {
    limits.ended(exchange);
  } catch (fault) {
    exchange.fault ??= fault;
  }
}

/** The end of a tunnel that was relayed. */
function finishTunnel(deps: Collaborators, exchange: Exchange): void {
  exchange.lifetime?.clear();
  finish(deps, exchange);
}

/** What an authenticated client asks for. */
export interface Asked {
  readonly identity: Identity;
  readonly authority: Authority;
  /** The gateway's own host is meant: it is nobody's target, and no rule of the operator's speaks of it. */
  readonly internal: boolean;
}

/** Admits an authenticated client to what it asks for, or throws what forbids it (bad_param where that can't be understood). */
export function admit(deps: Collaborators, exchange: Exchange, { identity, authority, internal }: Asked): void {
  exchange.authority = authority;
  const bounds = identity.bounds.of(authority.host, deps.signals.sites);
  exchange.bounds = bounds;
  exchange.site = bounds.site;
  exchange.identity = identity;
  const refusal = identity.fault ?? missedInternal(authority, exchange.mode);
  if (refusal !== null) throw refusal;
  exchange.admission = internal
    ? admissionTo(deps, identity, [])
    : authorise(deps, identity, { authority, mode: exchange.mode, bounds });
  exchange.admittedAt = deps.now();
}

/** The client's side of a tunnel that has been asked for. */
export interface TunnelAsker {
  /** Gives the socket away, with the octets that came behind the request, and the reply that tells success. */
  confirm: () => TunnelClient;
  /** Serves the gateway's own host over the client's socket, instead of relaying. */
  serveInternal: (client: { socket: Socket; early: Buffer }) => Promise<void>;
}

/** Serves an admitted CONNECT or SOCKS5 request: opens the tunnel, tells success, and has it relayed. Throws while the client has
 *  been told nothing; afterwards a failure shows as a reset. An idle tunnel should cost no more than what its line in the log needs,
 *  so nothing waits here for its end, or all that led to it would stay as well. */
export async function serveTunnel(deps: Collaborators, exchange: Exchange, asker: TunnelAsker): Promise<void> {
  if (exchange.authority !== null && isInternal(exchange.authority)) {
    exchange.status = 200;
    const client = asker.confirm();
    client.socket.write(client.reply);
    await asker.serveInternal(client);
    // Once success is told nothing but its deadline stops it.
    const isCut = exchange.abort.aborted;
    exchange.ending = isCut ? 'cut' : 'ok';
    if (isCut) exchange.by = 'gateway';
    return;
  }
  const exit = await openExchangeTunnel(deps, exchange);
  exchange.status = 200;
  const relayed = relayTunnel(deps, exchange, { client: asker.confirm(), exit }, finishTunnel);
  exchange.relayed = relayed;
  if (exchange.carrier?.outside !== true) return exchange.lifetime?.handTo(() => exchange.expire());
  // The relay has one timer for all of them.
  exchange.lifetime?.clear();
  exchange.lifetime = null;
}
