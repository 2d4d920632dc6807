import { RecordType, type TunnelFacts } from '../signals/tunnel-facts.ts';
import { charge } from './attempt-books.ts';
import type { Collaborators } from './collaborators.ts';
import { authorityKey, type Exchange } from './exchange.ts';
import type { SlotRef } from './site-signals.ts';

/** Books whether anything came through the exchange's tunnel, which has ended: an exit that opens tunnels and lets nothing through is
 *  found out by that alone. */
export function bookSilence(deps: Collaborators, exchange: Exchange, { at, facts }: Ended): void {
  const { choice } = exchange;
  if (choice === null || choice.endpoint.scheme === 'direct') return;
  const [{ slot }, authority, now] = [at, authorityKey(exchange), deps.now()];
  if (hasSpoken(facts)) {
    if (deps.mute.isIdle) return;
    const wasMute = deps.mute.isMute(slot);
    charge(deps, deps.mute.heard({ authority, slot }, now), now);
    // What it told meanwhile was no success; this is one.
    if (wasMute) arriveAgain(deps, at, now);
    return;
  }
  // Behind one slot are many then, of which most may serve.
  if (choice.exit.mint !== null || deps.exits.generationOf(slot) !== at.generation) return;
  if (!wasSilent(facts, () => deps.selection().attemptTimeoutMs(slot, exchange.siteRow, now))) return;
  const endpoint = `${choice.endpoint.host}:${choice.endpoint.port}`;
  deps.mute.silent({ authority, slot, endpoint }, now);
}

interface Ended {
  readonly at: SlotRef;
  readonly facts: TunnelFacts;
}

function arriveAgain(deps: Collaborators, at: SlotRef, now: number): void {
  const selection = deps.selection();
  selection.arrived(at, selection.expectedMs(at.slot, -1, now), { site: -1, rings: [], queued: 0, now });
}

/** Whether the origin spoke; with a client that speaks TLS, in TLS. */
function hasSpoken({ client, origin }: TunnelFacts): boolean {
  if (origin.firstAtMs < 0) return false;
  return client.firstType !== RecordType.handshake || origin.firstType !== RecordType.none;
}

/** Whether the client said hello, which every server answers at once, and had no answer for longer than an attempt may take, or was cut
 *  off. */
function wasSilent({ client, ended, by, closedFirst, durationMs }: TunnelFacts, patienceMs: () => number): boolean {
  if (client.firstType !== RecordType.handshake || ended === 'cut') return false;
  const wasCutOff = closedFirst === 'origin' || (ended === 'reset' && by === 'origin' && closedFirst === null);
  return wasCutOff || durationMs - client.firstAtMs >= patienceMs();
}
