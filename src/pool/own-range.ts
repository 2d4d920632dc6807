import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { addressOctets, addressText } from '../protocol/address-octets.ts';

/** Addresses that are exits one by one; a wider range is sampled. */
export const MOST_ADDRESSES = 65_536;

/** Addresses of a wide IPv6 range, unless told. */
const SAMPLE = 256;

/** A range of addresses that are ours to dial from. */
export interface OwnRange {
  /** `network/prefix`, canonical. */
  readonly text: string;
  readonly network: string;
  readonly prefix: number;
  readonly family: 4 | 6;
  /** How many of its addresses are exits; null for all of them, or of a wide IPv6 range 256. */
  readonly count: number | null;
}

/** The addresses of the range that are exits: all, or as many as `count` says, spread over it and the same at every start. Null for an
 *  IPv4 range of which so many can't be meant: beyond /16 without a count. */
export function* addressesOf({ text, network, prefix, family, count }: OwnRange): Generator<string> {
  const start = addressOctets(network);
  const hostBits = family === 4 ? 32 - prefix : 128 - prefix;
  const size = hostBits > 32 ? Number.POSITIVE_INFINITY : 2 ** hostBits;
  const wanted = Math.min(size, count ?? (size > MOST_ADDRESSES ? SAMPLE : size));
  if (size <= 2 ** 32) {
    const step = Math.floor(size / wanted);
    for (let index = 0; index < wanted; index += 1) yield plus(start, index * step);
    return;
  }
  // So many of so many never meet.
  for (let index = 0; index < wanted; index += 1) yield within(start, hostBits, `${text} ${index}`);
}

/** Why the range can't be all exits; null where it can. */
export function tooWide({ prefix, family, count }: OwnRange): string | null {
  if (family === 6 || count !== null || prefix >= 16) return null;
  return `more than ${MOST_ADDRESSES} addresses: say how many are to be exits, such as "count: 256"`;
}

function plus(start: Buffer, offset: number): string {
  const octets = Buffer.from(start);
  octets.writeUInt32BE(octets.readUInt32BE(octets.length - 4) + offset, octets.length - 4);
  return addressText(octets);
}

function within(start: Buffer, hostBits: number, seed: string): string {
  const octets = Buffer.from(start);
  const chance = hash('sha256', seed, 'buffer');
  for (let bit = 0; bit < hostBits; bit += 1) {
    const at = octets.length - 1 - (bit >> 3);
    octets[at] = (octets[at] ?? 0) | ((chance[at] ?? 0) & (1 << (bit & 7)));
  }
  return addressText(octets);
}
