import { isIP } from 'node:net';
import Type from 'typebox';
import { parseAuthority, parseHost, parsePort } from '../protocol/authority.ts';
import { formatSize, parseDuration, parseSize } from '../protocol/units.ts';
import { parseCidr } from './cidr.ts';
import type { Reading } from './fault.ts';

// The words that schemas are made of. `description` is what a fault says was expected.

interface MappingOptions {
  readonly default?: object;
}

/** A mapping in which no other key than `keys` may stand. */
export function mapping<Keys extends Type.TProperties>(keys: Keys, options: MappingOptions = {}) {
  return Type.Object(keys, { additionalProperties: false, description: 'a mapping', ...options });
}

/** A mapping whose keys all have defaults, and which may be left out itself. */
export function section<Keys extends Type.TProperties>(keys: Keys, options: MappingOptions = {}) {
  return mapping(keys, { default: {}, ...options });
}

/** A list; with `initial`, one that may be left out. */
export function list<Item extends Type.TSchema>(item: Item, initial?: readonly unknown[]) {
  return Type.Array(item, { description: 'a list', ...(initial && { default: initial }) });
}

/** A value that may be left out. */
export function optional<Schema extends Type.TSchema>(schema: Schema) {
  return Type.Optional(schema);
}

/** A value that is null where it is left out. */
export function nullable<Schema extends Type.TSchema>(description: string, schema: Schema) {
  return Type.Union([schema, Type.Null()], { description: `${description}, or null`, default: null });
}

/** One word of several. */
export function oneOf<const Words extends string[]>(words: readonly [...Words], initial?: Words[number]) {
  const description = words.length <= 2 ? words.join(' or ') : `one of ${words.join(', ')}`;
  return Type.Enum<Words>(words, { description, ...(initial && { default: initial }) });
}

/** `true` or `false`. */
export function flag(initial: boolean) {
  return Type.Boolean({ description: 'true or false', default: initial });
}

/** A whole number from `least` to `most`. */
export function whole(least: number, most: number, initial?: number) {
  const description = `a whole number from ${least} to ${most}`;
  return Type.Integer({
    minimum: least,
    maximum: most,
    description,
    ...(initial !== undefined && { default: initial }),
  });
}

/** A text that `pattern` fits; it is kept as written. */
export function text(description: string, pattern = /^[^\x00-\x1f\x7f]+$/, initial?: string) {
  return Type.String({ pattern, description, ...(initial !== undefined && { default: initial }) });
}

/** A text that means something else than itself, which `read` finds out. */
export function meaning<Value>(description: string, read: (text: string) => Reading<Value>, initial?: string) {
  const written = Type.String({ description, ...(initial !== undefined && { default: initial }) });
  const checked = Type.Refine(
    written,
    (value) => read(value).ok,
    (value) => messageOf(read(value)),
  );
  return Type.Decode(checked, (value): Value => {
    const reading = read(value);
    if (reading.ok) return reading.value;
    throw new TypeError('a text was decoded that had not been checked');
  });
}

/** A duration, as ms. */
export function duration(initial: string, leastMs = 1) {
  return meaning(
    'a duration such as 250ms, 30s, 10m or 24h',
    (value) => {
      const reading = parseDuration(value);
      const short = reading.ok && reading.value < leastMs;
      return short ? { ok: false, message: `expected at least ${leastMs}ms` } : reading;
    },
    initial,
  );
}

/** A size, as octets; a bare number is octets. */
export function size({ least, most, initial }: { least: number; most: number; initial?: number }) {
  const description = `a size such as 64KiB or 2MB, from ${formatSize(least)} to ${formatSize(most)}`;
  const bounded = (value: string): Reading<number> => {
    const reading = parseSize(value);
    const fits = reading.ok && reading.value >= least && reading.value <= most;
    return fits ? reading : { ok: false, message: `expected ${description}` };
  };
  const octets = Type.Integer({ minimum: least, maximum: most });
  const options = { description, ...(initial !== undefined && { default: initial }) };
  return Type.Union([octets, meaning(description, bounded)], options);
}

/** A host in canonical form: a name, or an address without brackets. */
export function host(initial?: string) {
  return meaning(
    'a host name or an address',
    (value) => {
      const parsed = parseHost(value);
      return parsed.ok ? { ok: true, value: parsed.value.host } : { ok: false, message: parsed.fault.detail };
    },
    initial,
  );
}

/** A name under which all names match, without a leading dot. */
export function suffix() {
  const expected = 'expected a domain name';
  return meaning('a domain name', (value) => {
    const parsed = parseHost(value.replace(/^\./, ''));
    return parsed.ok && parsed.value.family === 0
      ? { ok: true, value: parsed.value.host }
      : { ok: false, message: expected };
  });
}

/** The address of a name server, its port if it isn't 53. */
export function resolverServer() {
  const description = 'address, address:port or [IPv6]:port of a name server';
  return meaning(description, (value) => {
    const parsed = isIP(value) === 0 ? parseAuthority(value, 53) : null;
    const known = parsed === null || (parsed.ok && parsed.value.family !== 0);
    return known ? { ok: true, value } : { ok: false, message: `expected ${description}` };
  });
}

/** A range of addresses in canonical form. */
export function cidr() {
  return meaning('a range of addresses', (value) => {
    const reading = parseCidr(value);
    return reading.ok ? { ok: true, value: reading.value.text } : reading;
  });
}

/** A port, or a range of them, as both its ends. */
export function portRange() {
  const description = 'a port, or a range such as 8000-9000';
  const port = Type.Integer({ minimum: 1, maximum: 65_535 });
  const range = Type.Refine(Type.String(), (value) => rangeOf(value) !== null);
  return Type.Decode(Type.Union([port, range], { description }), (value) => {
    return typeof value === 'number' ? { from: value, to: value } : (rangeOf(value) ?? { from: 0, to: 0 });
  });
}

function rangeOf(value: string): { from: number; to: number } | null {
  const [first = '', last = first, more] = value.split('-');
  const from = parsePort(first.trim());
  const to = parsePort(last.trim());
  return from === null || to === null || more !== undefined || from > to ? null : { from, to };
}

function messageOf(reading: Reading<unknown>): string {
  return reading.ok ? '' : reading.message;
}
