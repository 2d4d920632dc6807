import { type PricedPool, quotaFault, uncountedPools } from '../protocol/quota-rule.ts';
import { poolFault } from '../protocol/rule-text.ts';
import type { CheckedConfig } from './cross-check.ts';
import type { ConfigFault } from './fault.ts';

/** Limits and quotas that could never count anything: of a pool that doesn't exist, or in money that no pool is priced in. */
export function limitFaults({ config, faultAt }: CheckedConfig, pools: readonly PricedPool[]): ConfigFault[] {
  const faultsOf = <Rule>(section: string, rules: readonly Rule[], faultOf: (rule: Rule) => string | null) =>
    rules.flatMap((rule, index) => {
      const fault = faultOf(rule);
      return fault === null ? [] : [faultAt(['limits', section, index], fault)];
    });
  return [
    ...faultsOf('clients', config.clientLimits, (rule) => poolFault(rule, () => pools)),
    ...faultsOf('quotas', config.clientQuotas, (rule) => quotaFault(rule, () => pools)),
    ...faultsOf('exits', config.exitLimits, (rule) => poolFault(rule, () => pools)),
  ];
}

/** Quotas in money that leave out pools in other currencies. */
export function quotaWarnings({ config, faultAt }: CheckedConfig, pools: readonly PricedPool[]): ConfigFault[] {
  return config.clientQuotas.flatMap((rule, index) => {
    const left = uncountedPools(rule, pools);
    const message = `doesn't count what pools in another currency cost: ${left.join(', ')}; give them a quota of their own`;
    return left.length === 0 ? [] : [faultAt(['limits', 'quotas', index], message)];
  });
}
