import { hasSuffixIn } from './rule.ts';

/** Names that stand for this machine everywhere (RFC 6761 §6.3, and what hosts files add). */
const loopbackSuffixes: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  'localhost4.localdomain4',
  'localhost6.localdomain6',
  'ip6-localhost',
  'ip6-loopback',
]);

/** Ends of names that mean something only inside a network, so an exit would look them up inside its own. */
const localSuffixes: ReadonlySet<string> = new Set([
  'local', // multicast DNS (RFC 6762)
  'localdomain',
  'internal', // reserved for private use (ICANN, 2024); cloud metadata
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'home.arpa', // RFC 8375
]);

const loopbackAddresses = Object.freeze(['127.0.0.1', '::1']);

/** The addresses that a name means on every machine, or undefined. `name` is canonical. */
export function loopbackOf(name: string): readonly string[] | undefined {
  return hasSuffixIn(loopbackSuffixes, name) ? loopbackAddresses : undefined;
}

/** Whether a canonical name can only be a local one. A name without a dot is: no top-level domain serves addresses (RFC 7085),
 *  while `metadata`, `redis` and `router` do inside networks. */
export function isLocalName(name: string): boolean {
  return !name.includes('.') || hasSuffixIn(localSuffixes, name);
}
