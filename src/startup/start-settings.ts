import type { Config } from '../config/config.ts';

/** What only a start can change. */
const KEYS = ['admin', 'data', 'accessLog', 'resolver', 'workers', 'relay', 'ledger', 'geo'] as const;
const KEYS_OF_LIMITS = ['connections', 'logins', 'reports', 'memoryBytes'] as const;
const KEYS_OF_PROBE = ['host', 'port', 'zone'] as const;

/** `read`, but for what only a start can change: that stays as it was at the `start`, or else a worker that takes a dead one's place
 *  would go by other settings than those beside it. */
export function withStartSettings(read: Config, start: Config): Config {
  return Object.freeze({
    ...read,
    ...taken(start, KEYS),
    limits: Object.freeze({ ...read.limits, ...taken(start.limits, KEYS_OF_LIMITS) }),
    probe: Object.freeze({ ...read.probe, ...taken(start.probe, KEYS_OF_PROBE) }),
  });
}

/** Which of that differ, as they are called in the configuration. */
export function startSettingsThatDiffer(read: Config, start: Config): string[] {
  return [
    ...differing(read, start, KEYS),
    ...differing(read.limits, start.limits, KEYS_OF_LIMITS).map((key) => `limits.${nameOf(key)}`),
    ...differing(read.probe, start.probe, KEYS_OF_PROBE).map((key) => `probe.${key}`),
  ];
}

const nameOf = (key: (typeof KEYS_OF_LIMITS)[number]): string => (key === 'memoryBytes' ? 'memory' : key);

function taken<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}

function differing<T, K extends keyof T>(one: T, other: T, keys: readonly K[]): K[] {
  return keys.filter((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key]));
}
