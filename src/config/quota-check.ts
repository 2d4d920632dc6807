import { type PricedPool, quotaFault, uncountedPools } from '../protocol/quota-rule.ts';
import type { CheckedConfig } from './cross-check.ts';
import type { ConfigFault } from './fault.ts';

const placeOf = (index: number) => ['limits', 'quotas', index] as const;

/** Quotas that could never count anything: of a pool that doesn't exist, or in money that no pool is priced in. */
export function quotaFaults({ config, faultAt }: CheckedConfig, pools: readonly PricedPool[]): ConfigFault[] {
  return config.clientQuotas.flatMap((rule, index) => {
    const fault = quotaFault(rule, () => pools);
    return fault === null ? [] : [faultAt([...placeOf(index)], fault)];
  });
}

/** Quotas in money that leave out pools in other currencies. */
export function quotaWarnings({ config, faultAt }: CheckedConfig, pools: readonly PricedPool[]): ConfigFault[] {
  return config.clientQuotas.flatMap((rule, index) => {
    const left = uncountedPools(rule, pools);
    const message = `doesn't count what pools in another currency cost: ${left.join(', ')}; give them a quota of their own`;
    return left.length === 0 ? [] : [faultAt([...placeOf(index)], message)];
  });
}
