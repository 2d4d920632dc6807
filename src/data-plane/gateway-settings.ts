import type { Config } from '../config/config.ts';
import type { GatewaySettings } from '../gateway/collaborators.ts';

/** What of the config an exchange needs. */
export function settingsOf(config: Config): GatewaySettings {
  const { defaultPool, exchange, heads, exitErrors, selection, signals, timeouts } = config;
  const watchTunnels = signals === 'on';
  return { defaultPool, ...exchange, holdStepMs: selection.holdStep, heads, exitErrors, watchTunnels, timeouts };
}
