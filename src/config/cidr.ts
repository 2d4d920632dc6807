import { BlockList, isIP } from 'node:net';
import IPCIDR from 'ip-cidr';
import type { Reading } from './fault.ts';

/** A range of addresses in canonical form: `network/prefix`. */
export interface Cidr {
  readonly text: string;
  readonly network: string;
  readonly prefix: number;
  readonly family: 4 | 6;
}

/** Compressed by RFC 5952, as URL gives it: ::ffff:0:0/96. */
const mapped = /^::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$/;
const expected = 'expected a range such as 10.0.0.0/8 or 2001:db8::/32, or one address';

/** Reads a range, or one address as the range of itself. Refused are addresses in other spellings than the usual, zones, bits
 *  set behind the prefix (a slip more often than not), and IPv4-mapped IPv6, which is judged as IPv4. */
export function parseCidr(text: string): Reading<Cidr> {
  const [address = '', digits, more] = text.split('/');
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || address.includes('%') || more !== undefined) return refused(expected);
  const width = family === 4 ? 32 : 128;
  const whole = `${address}/${digits ?? width}`;
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(digits ?? '0') || !IPCIDR.isValidCIDR(whole)) return refused(expected);
  const prefix = Number(digits ?? width);
  const start = compressed(startOf(whole), family);
  if (start !== compressed(address, family)) return refused(`bits are set behind the prefix: write ${start}/${prefix}`);
  if (prefix >= 96 && mapped.test(start)) return refused('write an IPv4-mapped range as IPv4');
  return { ok: true, value: { text: `${start}/${prefix}`, network: start, prefix, family } };
}

/** Whether any address is in both ranges. */
export function overlap(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false;
  const [wide, narrow] = a.prefix <= b.prefix ? [a, b] : [b, a];
  return listOf(wide).check(narrow.network, familyName(wide.family));
}

function listOf({ network, prefix, family }: Cidr): BlockList {
  const list = new BlockList();
  list.addSubnet(network, prefix, familyName(family));
  return list;
}

const familyName = (family: 4 | 6) => (family === 4 ? 'ipv4' : 'ipv6');
const refused = (message: string): Reading<Cidr> => ({ ok: false, message });
const startOf = (range: string): string => new IPCIDR(range).start<string>();

function compressed(address: string, family: 4 | 6): string {
  return family === 4 ? address : (URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? address);
}
