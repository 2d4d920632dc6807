import type { RelayHandle } from '../../transport/relay.ts';
import type { Exchange } from '../exchange.ts';
import { pause } from '../pause.ts';
import { ContentFlow } from './content-flow.ts';
import type { FlowSources } from './flow-grants.ts';
import { FlowWatch } from './flow-watch.ts';
import { type Grants, TunnelFlow } from './tunnel-flow.ts';

/** Lets octets pass as fast as their client's limit allows, and as long as its quotas do: of a tunnel in grants, each of which is taken
 *  from the client's word when the one before is used up, and of content that is forwarded piece by piece, each of which is paid for
 *  before it passes. All of a client's, of every thread, ask in turn, for as much as each other: that is their fair share. */
export class Flows {
  readonly #options: FlowSources;
  readonly #watch = new FlowWatch((exchange) => {
    this.#look(exchange);
    exchange.relayed?.looked();
  });

  constructor(options: FlowSources) {
    this.#options = options;
  }

  /** Null where the exchange may begin `now`; else resolves once the client has paid for what passed before. Rejects with the reason of
   *  the exchange's end. */
  enter({ limits, limitClaims, abort }: Exchange, now: number): Promise<void> | null {
    const flow = limits?.flow ?? null;
    // Of several pools it may be another's; what passes is paid for all the same.
    if (flow === null || limitClaims !== null) return null;
    const debtMs = this.#options.counts.debtMs(flow, now);
    return debtMs <= 0 ? null : pause(Math.ceil(debtMs), abort);
  }

  /** What meters a tunnel of the exchange; null where nothing does yet. */
  tunnel(exchange: Exchange): TunnelFlow | null {
    return isMetered(exchange) ? new TunnelFlow(exchange, this.#options) : null;
  }

  /** The exchange lasts: it is looked at now and then, until it has ended. */
  follow(exchange: Exchange): void {
    this.#watch.add(exchange);
  }

  /** It rests: it is looked at no more. */
  rested(exchange: Exchange): void {
    this.#watch.remove(exchange);
  }

  /** Looks at it now. */
  look(exchange: Exchange): void {
    this.#watch.lookAt(exchange);
  }

  /** Its tunnel, which rested, has what it was granted before. */
  restore(exchange: Exchange, carrier: RelayHandle, grants: Grants | null): void {
    exchange.carrier = carrier;
    if (grants !== null) new TunnelFlow(exchange, this.#options).goOn(carrier, grants);
  }

  ended(exchange: Exchange): void {
    this.#watch.remove(exchange);
    exchange.carrier = null;
  }

  /** Whether octets of the exchange may have to wait: what only quotas meter never does. */
  paces(exchange: Exchange): boolean {
    return isPaced(exchange);
  }

  /** What meters content of the exchange on its way; null where nothing does. `onWait` is told for how long nothing will pass, in ms. */
  content(exchange: Exchange, onWait: (waitMs: number) => void): ContentFlow | null {
    return isMetered(exchange) ? new ContentFlow(exchange, this.#options, onWait) : null;
  }

  #look(exchange: Exchange): void {
    const { quotas } = this.#options;
    const { carrier, flow } = exchange;
    if (!quotas.cover(exchange)) return;
    if (flow !== null) flow.look();
    else if (carrier !== null) new TunnelFlow(exchange, this.#options).join(carrier);
    else quotas.check(exchange);
  }
}

const isPaced = ({ limits }: Exchange): boolean => (limits?.flow ?? null) !== null;
const isMetered = (exchange: Exchange): boolean => exchange.quota !== null || isPaced(exchange);
