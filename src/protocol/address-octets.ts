import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import { canonicalAddress } from './authority.ts';

/** The 4 or 16 octets of a canonical address (dotted decimal, or IPv6 in hexadecimal groups). Empty for other text. */
export function addressOctets(address: string): Buffer {
  const family = isIP(address);
  if (family === 4) return Buffer.from(address.split('.').map(Number));
  const canonical = family === 6 ? canonicalAddress(address) : null;
  return canonical === null ? Buffer.alloc(0) : ipv6Octets(canonical);
}

/** The canonical address of 4 or 16 octets. Empty text for another number of octets. */
export function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) return '';
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(i * 2).toString(16));
  return canonicalAddress(groups.join(':')) ?? '';
}

function ipv6Octets(address: string): Buffer {
  const octets = Buffer.alloc(16);
  const [left = '', right = ''] = address.split('::');
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'));
  const tail = groupsOf(right);
  for (const [i, group] of groupsOf(left).entries()) octets.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  for (const [i, group] of tail.entries()) octets.writeUInt16BE(Number.parseInt(group, 16), 16 - (tail.length - i) * 2);
  return octets;
}
