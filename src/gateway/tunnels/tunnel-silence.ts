import { RecordType, type TunnelFacts } from '../../signals/tunnel-facts.ts';
import type { Collaborators } from '../collaborators.ts';
import { authorityKey, type Exchange } from '../exchange.ts';
import type { SlotRef } from '../site-signals.ts';

/** Books whether anything came through the exchange's tunnel to `site`, which has ended: an exit that opens tunnels and lets nothing
 *  through is found out by that alone. */
export function bookSilence(deps: Collaborators, exchange: Exchange, ended: Ended): void {
  if (ended.facts.originBytes === 0) return bookSilent(deps, exchange, ended);
  if (!deps.mute.isIdle) bookHeard(deps, exchange, ended);
}

interface Ended {
  readonly at: SlotRef;
  readonly site: string;
  readonly facts: TunnelFacts;
}

function bookHeard(deps: Collaborators, exchange: Exchange, { at: { slot }, facts }: Ended): void {
  const { client, origin, durationMs } = facts;
  const { mute } = deps;
  // Only who was asked the same has answered the same.
  const isAnswer = client.firstType === RecordType.handshake && origin.firstType === RecordType.handshake;
  if (!isAnswer || exchange.admission === null) return mute.heard(slot);
  const now = deps.now();
  const at = now - durationMs + origin.firstAtMs;
  mute.answered({ client: exchange.admission.client.name, authority: authorityKey(exchange), slot, at }, now);
}

function bookSilent(deps: Collaborators, exchange: Exchange, { at: exit, site, facts }: Ended): void {
  const { choice, admission } = exchange;
  if (facts.client.firstType !== RecordType.handshake || choice === null || admission === null) return;
  // Behind one slot that mints are many, of which most may serve.
  if (choice.endpoint.scheme === 'direct' || choice.exit.mint !== null) return;
  if (deps.exits.generationOf(exit.slot) !== exit.generation) return;
  const now = deps.now();
  if (!wasSilent(facts, () => deps.selection().attemptTimeoutMs(exit.slot, deps.siteRowOf(site, now), now))) return;
  const since = now - facts.durationMs + facts.client.firstAtMs;
  deps.mute.silent({ client: admission.client.name, authority: authorityKey(exchange), site, exit, since }, now);
}

/** Whether the hello, which every server answers at once, had no answer for longer than an attempt may take, or was cut off. */
function wasSilent({ client, ended, by, closedFirst, durationMs }: TunnelFacts, patienceMs: () => number): boolean {
  if (ended === 'cut') return false;
  const wasCutOff = closedFirst === 'origin' || (ended === 'reset' && by === 'origin' && closedFirst === null);
  return wasCutOff || durationMs - client.firstAtMs >= patienceMs();
}
