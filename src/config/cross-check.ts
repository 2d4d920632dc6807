import { type Cidr, overlap, parseCidr } from './cidr.ts';
import type { Config, Rule } from './config.ts';
import type { ConfigFault, Path } from './fault.ts';

/** A configuration, and how to name a place in its file. */
export interface CheckedConfig {
  readonly config: Config;
  readonly faultAt: (path: Path, message: string) => ConfigFault;
}

/** Ranges that are closed unless a rule opens them, and that lead into the operator's own machine or network. */
const inner = ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'];
const inner6 = ['::1/128', 'fc00::/7', 'fe80::/10'];

/** What only config and pools together show: a pool that is named and doesn't exist. */
export function crossCheck(
  { config, faultAt }: CheckedConfig,
  pools: readonly { readonly name: string }[],
): ConfigFault[] {
  const names = new Set(pools.map(({ name }) => name));
  const known = names.size === 0 ? 'there are no pools' : `pools are ${[...names].join(', ')}`;
  const check = (name: string | null | undefined, path: Path) =>
    name == null || names.has(name) ? [] : [faultAt(path, `there is no pool "${name}": ${known}`)];
  return [
    ...check(config.defaultPool, ['defaultPool']),
    ...config.rules.allow.flatMap(({ pool }, index) => check(pool, ['rules', 'allow', index, 'pool'])),
    ...config.rules.deny.flatMap(({ pool }, index) => check(pool, ['rules', 'deny', index, 'pool'])),
  ];
}

/** What may be meant, and is dangerous: loopback or private ranges that are open while a listener is bound beyond loopback. */
export function exposureWarnings({ config, faultAt }: CheckedConfig): ConfigFault[] {
  const exposed = config.listeners.find(({ host }) => !isLoopback(host));
  if (exposed === undefined) return [];
  return config.rules.allow.flatMap((rule, index) => {
    const range = openedRange(rule);
    if (range === null) return [];
    const message = `opens ${range} to clients of listener "${exposed.name}", which is bound beyond loopback`;
    return [faultAt(['rules', 'allow', index], message)];
  });
}

function openedRange({ cidr, host }: Rule): string | null {
  const opened = [cidr, host].flatMap((text) => rangeOf(text) ?? []);
  const found = [...inner, ...inner6].find((text) => {
    const range = rangeOf(text);
    return range !== null && opened.some((one) => overlap(one, range));
  });
  return found ?? null;
}

function rangeOf(text: string | undefined): Cidr | null {
  const reading = parseCidr(text ?? '');
  return reading.ok ? reading.value : null;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
