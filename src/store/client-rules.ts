import { parseRange } from '../protocol/address-range.ts';
import { parseHost } from '../protocol/authority.ts';
import { StoreError } from './store-error.ts';

/** A rule as it is stored. All parts that are given must match. */
export interface StoredRule {
  readonly cidr?: string;
  readonly host?: string;
  readonly suffix?: string;
  readonly port?: { readonly from: number; readonly to: number };
  readonly pool?: string;
}

/** The rules of one client. */
export interface StoredRules {
  readonly allow: readonly StoredRule[];
  readonly deny: readonly StoredRule[];
}

const parts: ReadonlySet<string> = new Set(['cidr', 'host', 'suffix', 'port', 'pool']);

/** Throws StoreError (bad_rule) for a rule that could not be meant: an unknown or malformed part, or none but the pool. */
export function checkRules(rules: StoredRules): void {
  for (const rule of [...rules.allow, ...rules.deny]) {
    const fault = faultOf(rule);
    if (fault !== null) throw new StoreError('bad_rule', { detail: fault, remedy: 'give cidr, host, suffix or port' });
  }
}

function faultOf(rule: StoredRule): string | null {
  if (!Object.keys(rule).every((key) => parts.has(key))) return 'a rule has an unknown part';
  const { cidr, host, suffix, port } = rule;
  if (cidr === undefined && host === undefined && suffix === undefined && port === undefined)
    return 'a rule matches nothing';
  if (cidr !== undefined && parseRange(cidr) === null) return 'the cidr of a rule is no address range';
  if (host !== undefined && !parseHost(host).ok) return 'the host of a rule is neither a name nor an address';
  if (suffix !== undefined && !isSuffix(suffix)) return 'the suffix of a rule is no name';
  if (port !== undefined && !(isPort(port.from) && isPort(port.to) && port.from <= port.to)) {
    return 'the port of a rule is no range of 1 to 65535';
  }
  return null;
}

function isSuffix(suffix: string): boolean {
  const name = parseHost(suffix.replace(/^\./, ''));
  return name.ok && name.value.family === 0;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
