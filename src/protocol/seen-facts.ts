import { isIP } from 'node:net';

/** What somebody outside saw of an exit. Country codes are lower-case, `asn` is digits. */
export interface SeenFacts {
  readonly address: string | null;
  readonly country: string | null;
  readonly asn: string | null;
}

/** Members by which services tell of who asks, the most common first. */
const members = {
  address: ['address', 'ip', 'query', 'origin', 'ip_address', 'ipAddress'],
  country: ['country', 'country_code', 'countryCode', 'country_iso', 'cc'],
  asn: ['asn', 'as', 'asNumber', 'autonomous_system_number'],
} as const;

/** Reads what a page tells of who asked for it: the named groups `address`, `country` and `asn` of `pattern`, else the members of
 *  a JSON object, else an address that stands alone. What isn't of the right form is null: an exit may have written it. */
export function readSeen(content: string, pattern: RegExp | null): SeenFacts {
  const groups = pattern?.exec(content)?.groups;
  if (groups !== undefined) return seenOf(groups['address'], groups['country'], groups['asn']);
  const json = jsonObject(content);
  if (json === null) return seenOf(content, undefined, undefined);
  const nested = [json, ...['asn', 'connection', 'network'].map((name) => objectOf(json[name]))];
  const first = (names: readonly string[], fits: (value: unknown) => boolean): unknown =>
    nested.flatMap((object) => (object === null ? [] : names.map((name) => object[name]))).find(fits);
  return seenOf(
    first(members.address, (value) => addressOf(value) !== null),
    first(members.country, (value) => countryOf(value) !== null),
    first(members.asn, (value) => asnOf(value) !== null),
  );
}

function seenOf(address: unknown, country: unknown, asn: unknown): SeenFacts {
  return { address: addressOf(address), country: countryOf(country), asn: asnOf(asn) };
}

function addressOf(value: unknown): string | null {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  const plain = text.startsWith('::ffff:') && isIP(text.slice(7)) === 4 ? text.slice(7) : text;
  return isIP(plain) !== 0 && !plain.includes('%') ? plain : null;
}

function countryOf(value: unknown): string | null {
  return typeof value === 'string' && /^[a-z]{2}$/i.test(value) ? value.toLowerCase() : null;
}

/** `3320`, `AS3320`, `AS3320 Deutsche Telekom AG`. */
function asnOf(value: unknown): string | null {
  const [, digits = ''] = /^(?:as)?([1-9][0-9]{0,9})(?:\s|$)/i.exec(String(value ?? '')) ?? [];
  return Number(digits) > 0 && Number(digits) < 2 ** 32 ? digits : null;
}

function jsonObject(content: string): Readonly<Record<string, unknown>> | null {
  try {
    return objectOf(JSON.parse(content));
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : null;
}
