import type { VendorAccounts } from '../gateway/choosing/vendor-accounts.ts';
import type { ProbeResult } from '../gateway/probe/probe.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import { providerVerdict } from '../selection/outcome.ts';
import type { ProbeBudget } from './probe-budget.ts';
import type { ProbeDesk } from './probe-desk.ts';

/** An answer that comes later is none, in ms. */
const DEADLINE_MS = 10_000;

export interface ProviderProbeOptions {
  readonly registry: PoolRegistry;
  readonly desk: ProbeDesk;
  readonly budget: ProbeBudget;
  readonly accounts: VendorAccounts;
}

/** Asks a provider whether it answers, over one of its exits: by the pool's first target, within the pool's budget. Where that is
 *  spent it is true: then the few exchanges that are let in first are the probe. */
export function providerProbe({
  registry,
  desk,
  budget,
  accounts,
}: ProviderProbeOptions): (slot: number) => Promise<boolean> {
  return async (slot) => {
    const exit = registry.exitAt(slot);
    if (exit === undefined) return false;
    const { targets = [], budget: octets = 0 } = registry.pool(exit.pool)?.probe ?? {};
    const target = targets[0]?.target ?? null;
    const most = desk.worstCost(exit, target);
    const reservation = budget.reserve(exit.pool, most, { budget: octets, mayWait: false });
    if (reservation === null) return true;
    const account = accounts.take(slot);
    let cost = 0;
    try {
      if (typeof account === 'string') return false;
      cost = most;
      const result = await desk.probe(exit, { target, deadlineMs: targets[0]?.maxLatencyMs ?? DEADLINE_MS });
      cost = result.cost;
      return serves(result, target === null);
    } finally {
      if (typeof account !== 'string') accounts.giveBack(account.place);
      budget.settle(reservation, cost);
    }
  };
}

/** Whether the provider did its part: what lies behind it may fail, and it was told of by one that serves. What answers a forwarded
 *  request may be the provider itself: by 502 or 504, and by all that isn't our own page where that was asked for. */
function serves({ kind, stage, phases, status, receivedStatus }: ProbeResult, isOwnPage: boolean): boolean {
  if (kind === 'ok') return true;
  const mayBeIts = phases.tunnel === undefined && status !== null && (isOwnPage || status === 502 || status === 504);
  return (stage === 'target' && !mayBeIts) || providerVerdict({ kind, receivedStatus }) === 'works';
}
