import { parseRange } from '../protocol/address-range.ts';
import { parseHost, parsePort } from '../protocol/authority.ts';
import type { StoredRule } from '../store/client-rules.ts';
import { badArgument } from './command-error.ts';

/** How a rule is written, for help texts. */
export const ruleGrammar =
  'cidr:RANGE, host:NAME, suffix:.NAME, port:N or port:N-M, pool:NAME, joined with "," where all must match';

type Part = Partial<StoredRule>;

const readers: ReadonlyMap<string, (value: string) => Part | null> = new Map<string, (value: string) => Part | null>([
  ['cidr', (cidr) => (parseRange(cidr) === null ? null : { cidr })],
  ['host', (host) => (parseHost(host).ok ? { host } : null)],
  ['suffix', (suffix) => (parseHost(suffix.replace(/^\./, '')).ok ? { suffix } : null)],
  ['port', readPorts],
  ['pool', (pool) => (/^[A-Za-z0-9._~]{1,64}$/.test(pool) ? { pool: pool.toLowerCase() } : null)],
]);

/** Reads a rule such as `suffix:.example.com,port:443`. Throws CommandError (bad_argument) that names `place` and the part. */
export function parseRule(text: string, place: string): StoredRule {
  let rule: StoredRule = {};
  for (const part of text.split(',')) {
    const colon = part.indexOf(':');
    const key = part.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    const read = readers.get(key);
    if (read === undefined) throw badRule(place, `"${part}" does not begin with cidr:, host:, suffix:, port: or pool:`);
    if (Object.hasOwn(rule, key)) throw badRule(place, `"${key}:" stands twice; write two rules`);
    const value = part.slice(colon + 1).trim();
    const reading = read(value);
    if (reading === null) throw badRule(place, `"${value}" cannot be the ${key} of a rule`);
    rule = { ...rule, ...reading };
  }
  if (Object.keys(rule).every((key) => key === 'pool')) throw badRule(place, 'a pool alone matches nothing');
  return rule;
}

/** A rule in the form that parseRule reads. */
export function formatRule({ cidr, host, suffix, port, pool }: StoredRule): string {
  const ports = port && (port.from === port.to ? `${port.from}` : `${port.from}-${port.to}`);
  const parts = Object.entries({ cidr, host, suffix, port: ports, pool });
  return parts.flatMap(([key, value]) => (value === undefined ? [] : [`${key}:${value}`])).join(',');
}

function readPorts(text: string): Part | null {
  const [first = '', last = first, ...more] = text.split('-');
  const from = parsePort(first);
  const to = parsePort(last);
  return from === null || to === null || from > to || more.length > 0 ? null : { port: { from, to } };
}

const badRule = (place: string, what: string) => badArgument(place, what, `write a rule as ${ruleGrammar}`);
