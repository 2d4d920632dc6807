import { ClientHelloDecoder } from '../../protocol/tls-hello.ts';
import { withTunnel } from '../../signals/site-norm.ts';
import { RecordType, type RelayEnd, tunnelFactsOf } from '../../signals/tunnel-facts.ts';
import { judgeTunnel, originLatencyOf } from '../../signals/tunnel-verdict.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import { exitOf, learn } from '../site-signals.ts';
import { bookSilence } from './tunnel-silence.ts';

/** Whether the exchange's tunnel is watched from outside: not where that is switched off, nor of an upgraded request, whose response
 *  has told everything. */
const isWatched = (deps: Collaborators, { mode }: Exchange): boolean =>
  deps.settings().watchTunnels && mode !== 'forward';

/** Whether the client's octets are to be seen: of a tunnel to an address, because only its TLS tells the site. */
export function watchesHello(deps: Collaborators, exchange: Exchange): boolean {
  return isWatched(deps, exchange) && exchange.authority?.family !== 0;
}

/** Finds the name in a client's ClientHello. */
export class HelloWatch {
  #hello: ClientHelloDecoder | null = null;
  /** Null while none was seen. */
  name: string | null = null;

  /** Sees the client's octets in order. False: it has seen enough. */
  see(octets: Buffer): boolean {
    this.#hello ??= new ClientHelloDecoder();
    const hello = this.#hello.push(octets);
    if (hello.state === 'more') return true;
    if (hello.state === 'value') this.name = hello.value.serverName;
    this.#hello = null;
    return false;
  }
}

/** The relay of the exchange's tunnel has ended: judges the tunnel, where it is watched, by the site's norm. `name` is what the
 *  client's ClientHello asked for, where that was seen. */
export function judgeEnd(
  deps: Collaborators,
  exchange: Exchange,
  { end, name }: { end: RelayEnd; name: string | null },
) {
  const at = exitOf(exchange);
  const { authority, confirmedAt, startedAt } = exchange;
  if (at === null || authority === null || !isWatched(deps, exchange)) return;
  const { norms, sites, recent } = deps.signals;
  const facts = tunnelFactsOf(end, deps.now() - (confirmedAt ?? startedAt));
  const site = sites.of(name ?? authority.host);
  exchange.site = site;
  recent.rename(exchange.ticket, site);
  // A client can name any site over an address of its own, and what is usual there judges all clients' tunnels.
  const place = name === null ? site : `${site} ${authority.host}`;
  const norm = norms.of(place);
  exchange.verdict = judgeTunnel(facts, norm);
  exchange.originMs = originLatencyOf(facts);
  bookSilence(deps, exchange, { at, site, facts });
  const shaken = facts.client.firstType === RecordType.handshake && facts.origin.firstType === RecordType.handshake;
  if (shaken && facts.ended !== 'cut')
    norms.keep(place, withTunnel(norm, { ...facts, refused: exchange.verdict.page === 'refused' }));
  learn(deps, { at, site, client: exchange.bounds?.client }, exchange.verdict);
}
