import { BlockList } from 'node:net';
import { canonicalAddress } from './authority.ts';

/** A range of addresses in canonical form; a single address is a range with the full prefix. */
export interface AddressRange {
  readonly address: string;
  readonly prefix: number;
  readonly family: 4 | 6;
}

/** Bits of `::ffff:0:0/96` before the IPv4 address (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = 96;

/** Reads `address/prefix` or a bare address (RFC 4632 §3.1, RFC 4291 §2.3); null where it is neither. A range of IPv4-mapped
 *  addresses is the IPv4 range that it means. Octets behind the prefix are allowed and don't count. */
export function parseRange(text: string): AddressRange | null {
  const [base = '', digits, ...more] = text.split('/');
  const address = base.includes('%') ? null : canonicalAddress(base);
  if (address === null || more.length > 0) return null;
  const family = address.includes(':') ? 6 : 4;
  const bits = family === 4 ? 32 : 128;
  if (digits !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(digits)) return null;
  const prefix = digits === undefined ? bits : Number(digits);
  if (prefix > bits) return null;
  const plain = unmap(address);
  if (family === 4 || plain === address) return { address, prefix, family };
  return prefix < MAPPED_PREFIX
    ? { address, prefix, family }
    : { address: plain, prefix: prefix - MAPPED_PREFIX, family: 4 };
}

/** A set of ranges, one BlockList per family: a list of both answers for mapped addresses by rules of its own. */
export class AddressSet {
  readonly #v4 = new BlockList();
  readonly #v6 = new BlockList();
  #size = 0;

  /** Throws RangeError where a text is no range: a set that left one out would forbid or allow something else. */
  constructor(ranges: Iterable<string> = []) {
    for (const text of ranges) this.add(text);
  }

  get size(): number {
    return this.#size;
  }

  add(text: string): void {
    const range = parseRange(text);
    if (range === null) throw new RangeError('not an address range');
    const { address, prefix, family } = range;
    if (family === 4) this.#v4.addSubnet(address, prefix, 'ipv4');
    else this.#v6.addSubnet(address, prefix, 'ipv6');
    this.#size++;
  }

  /** Whether `address`, as plainAddress or readingsOf give it, lies in one of the ranges. */
  has(address: string): boolean {
    if (this.#size === 0) return false;
    return address.includes(':') ? this.#v6.check(address, 'ipv6') : this.#v4.check(address, 'ipv4');
  }
}

/** The canonical form of an address that a socket or resolver gave, an IPv4-mapped one as IPv4 (`::ffff:127.0.0.1` is what a
 *  dual-stack socket calls an IPv4 peer). Null where `text` is no address. */
export function plainAddress(text: string): string | null {
  const address = canonicalAddress(text);
  return address === null ? null : unmap(address);
}

/** All that a canonical address can mean to the hosts on its way: itself, and the IPv4 address it carries. A mapped address
 *  means its IPv4 address only (RFC 4291 §2.5.5.2). The others: IPv4-compatible (§2.5.5.1), SIIT (RFC 2765 §2.1), NAT64
 *  (RFC 6052 §2.1, RFC 8215 read as /96), 6to4 (RFC 3056 §2), Teredo's client (RFC 4380 §4). */
export function readingsOf(address: string): readonly string[] {
  if (!address.includes(':')) return [address];
  const groups = ipv6Groups(address);
  if (isMapped(groups)) return [lastIpv4(groups)];
  const carried = carriedIpv4(groups);
  return carried === null ? [address] : [address, carried];
}

/** The eight groups of a valid IPv6 address without a zone (RFC 4291 §2.2). */
export function ipv6Groups(address: string): readonly number[] {
  const [head = '', tail] = address.split('::');
  const front = groupsOf(head);
  if (tail === undefined) return front;
  const back = groupsOf(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function unmap(address: string): string {
  if (!address.startsWith('::ffff:')) return address;
  const groups = ipv6Groups(address);
  return isMapped(groups) ? lastIpv4(groups) : address;
}

function isMapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && isZero(groups, 0, 5);
}

function carriedIpv4(groups: readonly number[]): string | null {
  const [g0, g1 = 0, g2 = 0, , g4, g5, g6 = 0, g7 = 0] = groups;
  if (g0 === 0x2002) return ipv4Of(g1, g2);
  if (g0 === 0x2001 && g1 === 0) return ipv4Of(g6 ^ 0xffff, g7 ^ 0xffff);
  if (g0 === 0x64 && g1 === 0xff9b && (g2 === 1 || isZero(groups, 2, 6))) return lastIpv4(groups);
  // Loopback looks compatible and is not (RFC 4291 §2.5.3).
  if (isZero(groups, 0, 7) && g7 === 1) return null;
  const siit = g4 === 0xffff && g5 === 0 && isZero(groups, 0, 4);
  return siit || isZero(groups, 0, 6) ? lastIpv4(groups) : null;
}

function isZero(groups: readonly number[], from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (groups[i] !== 0) return false;
  return true;
}

function lastIpv4(groups: readonly number[]): string {
  return ipv4Of(groups[6] ?? 0, groups[7] ?? 0);
}

function ipv4Of(high: number, low: number): string {
  return `${high >>> 8}.${high & 0xff}.${low >>> 8}.${low & 0xff}`;
}
