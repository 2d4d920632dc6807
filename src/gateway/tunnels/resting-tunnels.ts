import { Roster } from '../../transport/roster.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import type { RestingKind } from './resting-kind.ts';
import { RestingTunnel } from './resting-tunnel.ts';
import { RelayedExchange, type RelayedHow } from './tunnel-exchange.ts';

/** How often tunnels that rest are looked at, in ms: as often as those that don't. */
const LOOK_MS = 1_000;

/** The tunnels of a thread in which nothing moves. Each is woken by its relay (its end, or an allowance that is used up), by octets that
 *  have passed, or where its client's quotas let less pass than it was granted. */
export class RestingTunnels {
  readonly #all = new Roster<RestingTunnel>();
  #timer: NodeJS.Timeout | null = null;

  /** How many rest. */
  get size(): number {
    return this.#all.size;
  }

  /** Lets the exchange's tunnel rest, in which nothing has moved for a while, if it can. Then the exchange is forgotten. */
  take(exchange: Exchange, how: RelayedHow): void {
    const { deps } = how;
    exchange.meter?.settle();
    deps.ledger.bookSoFar(exchange);
    const tunnel = RestingTunnel.of(exchange, how);
    if (tunnel === null) return;
    tunnel.place = this.#all.add(tunnel);
    tunnel.handle.handTo?.(tunnel);
    deps.ledger.rested(exchange);
    deps.flows.rested(exchange);
    this.#timer ??= this.#later();
  }

  /** The exchange whose tunnel rested, and whose end it waits for. */
  wake(tunnel: RestingTunnel): RelayedExchange {
    this.#all.remove(tunnel.place);
    const exchange = tunnel.wake();
    const relayed = new RelayedExchange(exchange, tunnel.kind);
    exchange.relayed = relayed;
    tunnel.handle.handTo?.(relayed);
    return relayed;
  }

  /** The same of one that goes on. */
  wakeToGoOn(tunnel: RestingTunnel): RelayedExchange {
    const relayed = this.wake(tunnel);
    const { deps } = tunnel.kind;
    deps.ledger.opened(relayed.exchange);
    deps.flows.follow(relayed.exchange);
    return relayed;
  }

  /** Wakes those in which something has passed, and books it; and those that their quotas let pass less than they were granted. */
  lookAtAll(): void {
    let kind: RestingKind | null = null;
    let grant = 0;
    for (const tunnel of this.#all.members()) {
      if (tunnel.kind !== kind) {
        kind = tunnel.kind;
        grant = grantOf(kind);
      }
      if (!tunnel.mayRest(grant)) lookAt(kind.deps, this.wakeToGoOn(tunnel).exchange);
    }
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = null;
      this.lookAtAll();
      if (this.#all.size > 0) this.#timer ??= this.#later();
    }, LOOK_MS).unref();
  }
}

function grantOf(kind: RestingKind): number {
  try {
    return kind.deps.quotas.resting.grant(kind);
  } catch {
    // Rules that can't be read any more end each exchange for itself, once it is awake.
    return Number.NaN;
  }
}

/** What has passed meanwhile isn't to be known any later than that of other tunnels. */
function lookAt(deps: Collaborators, exchange: Exchange): void {
  deps.ledger.bookSoFar(exchange);
  deps.flows.look(exchange);
}
