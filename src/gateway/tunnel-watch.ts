import { ClientHelloDecoder } from '../protocol/tls-hello.ts';
import { withTunnel } from '../signals/site-norm.ts';
import { RecordType, type RelayEnd, tunnelFactsOf } from '../signals/tunnel-facts.ts';
import { judgeTunnel, originLatencyOf } from '../signals/tunnel-verdict.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';
import { exitOf, learn } from './site-signals.ts';

/** A watch over one tunnel. */
export interface TunnelWatch {
  /** For the relay, where the authority is an address, so that only the client's TLS tells the site. */
  readonly watchClient: ((octets: Buffer) => boolean) | undefined;
  /** The relay has ended: judges the tunnel. */
  readonly ended: (outcome: RelayEnd) => void;
}

/** Watches a CONNECT or SOCKS5 tunnel from outside; null where that is switched off, or the exchange is an upgraded request, whose
 *  response has told everything. */
export function watchTunnel(deps: Collaborators, exchange: Exchange): TunnelWatch | null {
  const at = exitOf(exchange);
  const { authority } = exchange;
  if (!deps.settings().watchTunnels || exchange.mode === 'forward' || at === null || authority === null) return null;
  const begunAt = deps.now();
  const name = authority.family === 0 ? null : new ServerName();
  const { norms, sites, recent } = deps.signals;
  const ended = (outcome: RelayEnd): void => {
    const facts = tunnelFactsOf(outcome, deps.now() - begunAt);
    const site = sites.of(name?.value ?? authority.host);
    exchange.site = site;
    recent.rename(exchange.ticket, site);
    const norm = norms.of(site);
    exchange.verdict = judgeTunnel(facts, norm);
    exchange.originMs = originLatencyOf(facts);
    const shaken = facts.client.firstType === RecordType.handshake && facts.origin.firstType === RecordType.handshake;
    if (shaken && facts.ended !== 'cut')
      norms.keep(site, withTunnel(norm, { ...facts, refused: exchange.verdict.page === 'refused' }));
    learn(deps, { at, site }, exchange.verdict);
  };
  return { watchClient: name?.read, ended };
}

/** The name in a client's ClientHello. */
class ServerName {
  #hello: ClientHelloDecoder | null = new ClientHelloDecoder();
  value: string | null = null;

  /** Sees the client's octets in order. False: it has seen enough. */
  readonly read = (octets: Buffer): boolean => {
    const hello = this.#hello?.push(octets);
    if (hello?.state === 'more') return true;
    if (hello?.state === 'value') this.value = hello.value.serverName;
    this.#hello = null;
    return false;
  };
}
