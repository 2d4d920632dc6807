import type { SiteNorm } from './site-norm.ts';
import { RecordType, type TunnelFacts } from './tunnel-facts.ts';
import { unknownVerdict, type Verdict } from './verdict.ts';

/** Tunnels to a site before its norm is believed. */
const LEAST_TUNNELS = 20;

/** A tunnel is small where its octets are so many standard deviations of their logarithm below the norm, and by this factor. */
const FEW_DEVIATIONS = 2.5;
const FEW_FACTOR = 8;
/** A refusal takes no longer than a page does, give or take this factor. */
const LONGER_FACTOR = 2;

/** Octets from an origin of which nothing is known that are more than a handshake and a refusal: a page. */
const PAGE_BYTES = 16 * 1024;

/** Judges a tunnel by what it shows from outside, relative to `norm`, what tunnels to that site are over all exits. Weights are
 *  small: each of these signs has innocent causes. What the client itself ended before the origin spoke says nothing.
 *  Source: SELECTION.md §3.4. */
export function judgeTunnel(facts: TunnelFacts, norm: SiteNorm): Verdict {
  const { client, origin } = facts;
  if (client.firstAtMs < 0 || facts.ended === 'cut') return unknownVerdict;
  if (origin.firstAtMs < 0) return judgeSilence(facts);
  if (client.firstType !== RecordType.handshake) return unknownVerdict;
  if (origin.firstType === RecordType.alert) return refused('tls-alert', 0.2);
  if (origin.firstType !== RecordType.handshake) return refused('tls-not-spoken', 0.2);
  return judgeSize(facts, norm);
}

/** From the ClientHello to the first of the answer, in ms: the origin's latency through that exit. Null where either isn't TLS. */
export function originLatencyOf({ client, origin }: TunnelFacts): number | null {
  const shaken = client.firstType === RecordType.handshake && origin.firstType === RecordType.handshake;
  return shaken && origin.firstAtMs >= client.firstAtMs ? origin.firstAtMs - client.firstAtMs : null;
}

/** The client spoke and the origin never did. */
function judgeSilence({ ended, by, closedFirst }: TunnelFacts): Verdict {
  if (ended === 'reset' && by === 'origin' && closedFirst !== 'client') return refused('reset-before-answer', 0.3);
  if (ended === 'closed' && closedFirst === 'origin') return refused('closed-before-answer', 0.25);
  return unknownVerdict;
}

/** Both shook hands; how much the origin then gave. A reset behind either FIN says nothing: it is what a client's close_notify
 *  meets where the origin has closed already, or what an origin does with a client that has left. */
function judgeSize({ originBytes, durationMs, ended, by, closedFirst }: TunnelFacts, norm: SiteNorm): Verdict {
  const byOrigin = ended === 'reset' && by === 'origin' && closedFirst === null;
  if (norm.count < LEAST_TUNNELS) {
    return originBytes >= PAGE_BYTES && !byOrigin ? served(0.1) : unknownVerdict;
  }
  const below = norm.logBytes - Math.log(originBytes + 1);
  const few = Math.max(FEW_DEVIATIONS * Math.sqrt(norm.bytesVariance), Math.log(FEW_FACTOR));
  // A connection that was only held open gives little, and takes its time over it.
  const brief = Math.log(durationMs + 1) <= norm.logMs + Math.log(LONGER_FACTOR);
  if (below >= few) return brief ? refused('fewer-octets-than-usual', byOrigin ? 0.2 : 0.1) : unknownVerdict;
  return below < Math.log(FEW_FACTOR) && !byOrigin ? served(0.2) : unknownVerdict;
}

function refused(rule: string, weight: number): Verdict {
  return { page: 'refused', weight, retryAfterMs: null, rule };
}

function served(weight: number): Verdict {
  return { page: 'served', weight, retryAfterMs: null, rule: null };
}
