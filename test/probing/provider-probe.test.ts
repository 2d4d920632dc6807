import test from 'ava';
import type { ProbeResult } from '../../src/gateway/probe/probe.ts';
import { providerProbe } from '../../src/probing/provider-probe.ts';

/** Whether a provider is let serve again whose probe ended so. */
async function answersAfter(result: Partial<ProbeResult>, isOwnPage = false): Promise<boolean> {
  const targets = isOwnPage ? [] : [{ target: { kind: 'page' }, maxLatencyMs: 1_000 }];
  const registry = { exitAt: () => ({ pool: 'p' }), pool: () => ({ probe: { targets, budget: 1_000 } }) };
  const desk = { worstCost: () => 1, probe: async () => ({ stage: 'target', phases: {}, status: null, ...result }) };
  const budget = { reserve: () => ({}), settle: () => {} };
  const accounts = { take: () => ({ place: 0 }), giveBack: () => {} };
  return providerProbe({ registry, desk, budget, accounts } as never)(1);
}

test('a provider that has done its part serves, whatever becomes of the target', async (t) => {
  for (const result of [
    { kind: 'ok' },
    { kind: 'origin_bad_response', status: 503 },
    { kind: 'origin_bad_response', status: 502, phases: { tunnel: 5 } },
    { kind: 'origin_timeout' },
    { kind: 'origin_reset' },
    { kind: 'exit_tls', phases: { tunnel: 5 } },
    { kind: 'origin_refused', stage: 'exit' },
    { kind: 'exit_rejected', stage: 'exit', receivedStatus: 403 },
  ] as const)
    t.true(await answersAfter(result), JSON.stringify(result));
});

test('one that has not is still down', async (t) => {
  for (const result of [
    { kind: 'exit_refused', stage: 'exit' },
    { kind: 'exit_timeout', stage: 'exit' },
    { kind: 'exit_auth_failed', stage: 'exit' },
    { kind: 'exit_rejected', stage: 'exit', receivedStatus: 502 },
    { kind: 'exit_rejected', stage: 'exit' },
    { kind: 'origin_bad_response', status: 502 },
    { kind: 'origin_bad_response', status: 504 },
  ] as const)
    t.false(await answersAfter(result), JSON.stringify(result));
  // Our own page has no other answer.
  t.false(await answersAfter({ kind: 'origin_bad_response', status: 403 }, true));
});
