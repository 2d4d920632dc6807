import type { Authority } from '../protocol/authority.ts';
import { ClientHelloDecoder } from '../protocol/tls-hello.ts';
import { withTunnel } from '../signals/site-norm.ts';
import { RecordType, type RelayEnd, tunnelFactsOf } from '../signals/tunnel-facts.ts';
import { judgeTunnel, originLatencyOf } from '../signals/tunnel-verdict.ts';
import type { Watcher } from '../transport/relay.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';
import { exitOf, learn, type SlotRef } from './site-signals.ts';

/** Watches a CONNECT or SOCKS5 tunnel from outside; null where that is switched off, or the exchange is an upgraded request, whose
 *  response has told everything. */
export function watchTunnel(deps: Collaborators, exchange: Exchange): TunnelWatch | null {
  const at = exitOf(exchange);
  const { authority } = exchange;
  if (!deps.settings().watchTunnels || exchange.mode === 'forward' || at === null || authority === null) return null;
  return new TunnelWatch(deps, { exchange, at, authority });
}

/** A watch over one tunnel. As long as the tunnel is idle it is but this object. */
export class TunnelWatch implements Watcher {
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #slot: number;
  readonly #generation: number;
  readonly #begunAt: number;
  readonly #host: string;
  /** For the relay: whether to see the client's octets, since the authority is an address, and only its TLS tells the site. */
  readonly wantsClient: boolean;
  #hello: ClientHelloDecoder | null = null;
  /** The name in the client's ClientHello. */
  #name: string | null = null;

  constructor(deps: Collaborators, of: { exchange: Exchange; at: SlotRef; authority: Authority }) {
    this.#deps = deps;
    this.#exchange = of.exchange;
    this.#slot = of.at.slot;
    this.#generation = of.at.generation;
    this.#host = of.authority.host;
    this.#begunAt = deps.now();
    this.wantsClient = of.authority.family !== 0;
  }

  /** Sees the client's octets in order. False: it has seen enough. */
  see(octets: Buffer): boolean {
    this.#hello ??= new ClientHelloDecoder();
    const hello = this.#hello.push(octets);
    if (hello.state === 'more') return true;
    if (hello.state === 'value') this.#name = hello.value.serverName;
    this.#hello = null;
    return false;
  }

  /** The relay has ended: judges the tunnel. */
  ended(outcome: RelayEnd): void {
    const deps = this.#deps;
    const exchange = this.#exchange;
    const { norms, sites, recent } = deps.signals;
    const facts = tunnelFactsOf(outcome, deps.now() - this.#begunAt);
    const site = sites.of(this.#name ?? this.#host);
    exchange.site = site;
    recent.rename(exchange.ticket, site);
    const norm = norms.of(site);
    exchange.verdict = judgeTunnel(facts, norm);
    exchange.originMs = originLatencyOf(facts);
    const shaken = facts.client.firstType === RecordType.handshake && facts.origin.firstType === RecordType.handshake;
    if (shaken && facts.ended !== 'cut')
      norms.keep(site, withTunnel(norm, { ...facts, refused: exchange.verdict.page === 'refused' }));
    learn(deps, { at: { slot: this.#slot, generation: this.#generation }, site }, exchange.verdict);
  }
}
