import { withTunnel } from '../signals/site-norm.ts';
import { RecordType, type RelayEnd, TunnelSignals } from '../signals/tunnel-facts.ts';
import { judgeTunnel, originLatencyOf } from '../signals/tunnel-verdict.ts';
import type { RelayObserver } from '../transport/relay.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';
import { exitOf, learn } from './site-signals.ts';

/** A watch over one tunnel. */
export interface TunnelWatch {
  /** For the relay. */
  readonly observer: RelayObserver;
  /** The relay has ended: judges the tunnel. */
  readonly ended: (outcome: RelayEnd) => void;
}

/** Watches a CONNECT or SOCKS5 tunnel from outside; null where that is switched off, or the exchange is an upgraded request, whose
 *  response has told everything. */
export function watchTunnel(deps: Collaborators, exchange: Exchange): TunnelWatch | null {
  const at = exitOf(exchange);
  const { authority } = exchange;
  if (!deps.settings().watchTunnels || exchange.mode === 'forward' || at === null || authority === null) return null;
  const signals = new TunnelSignals({ now: deps.now, wantsName: authority.family !== 0 });
  const { norms, sites, recent } = deps.signals;
  const ended = (outcome: RelayEnd): void => {
    const facts = signals.facts(outcome);
    const site = sites.of(facts.serverName ?? authority.host);
    exchange.site = site;
    recent.rename(exchange.id, site);
    const norm = norms.of(site);
    exchange.verdict = judgeTunnel(facts, norm);
    exchange.originMs = originLatencyOf(facts);
    const shaken = facts.client.firstType === RecordType.handshake && facts.origin.firstType === RecordType.handshake;
    if (shaken && facts.ended !== 'cut')
      norms.keep(site, withTunnel(norm, { ...facts, refused: exchange.verdict.page === 'refused' }));
    learn(deps, { at, site }, exchange.verdict);
  };
  return { observer: signals, ended };
}
