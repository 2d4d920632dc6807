import { isIP } from 'node:net';

/** A value of a database: the kinds that places need. Texts and maps are shorter than 29. */
export type MmdbValue = string | number | { readonly [name: string]: MmdbValue };

/** The octets of a database in MaxMind's format (MaxMind DB File Format Specification 2.0) with 24-bit records: what it says of
 *  each range, written `1.2.3.0/24` or `2001:db8::/32`; in a database of IPv6 those of IPv4 stand under ::/96. */
export function mmdbOf(entries: Readonly<Record<string, MmdbValue>>, ipVersion: 4 | 6 = 4): Buffer {
  const data: Buffer[] = [];
  let length = 0;
  // A node is two records: the number of a node, a place in the data (as -1 - offset), or null.
  const nodes: (number | null)[][] = [[null, null]];
  for (const [range, value] of Object.entries(entries)) {
    insert(nodes, bitsOf(range, ipVersion), -1 - length);
    const octets = encode(value);
    data.push(octets);
    length += octets.length;
  }
  const tree = Buffer.alloc(nodes.length * 6);
  nodes.flat().forEach((record, index) => {
    const isData = record !== null && record < 0;
    const number = record === null ? nodes.length : isData ? nodes.length + 16 - 1 - record : record;
    tree.writeUIntBE(number, index * 3, 3);
  });
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test',
    description: { en: 'Test' },
    ip_version: ipVersion,
    node_count: nodes.length,
    record_size: 24,
  });
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('abcdef', 'hex'),
    Buffer.from('MaxMind.com'),
    metadata,
  ]);
}

function bitsOf(range: string, ipVersion: 4 | 6): number[] {
  const [address = '', length = ''] = range.split('/');
  if (isIP(address) === 6 && ipVersion === 6) return groupsOf(address).flatMap(bitsOfGroup).slice(0, Number(length));
  if (isIP(address) !== 4) throw new Error(`not an IPv4 range: ${range}`);
  const octets = address.split('.').flatMap((octet) => [...Number(octet).toString(2).padStart(8, '0')].map(Number));
  return [...new Array<number>(ipVersion === 6 ? 96 : 0).fill(0), ...octets.slice(0, Number(length))];
}

/** The eight groups of an IPv6 address without an IPv4 one in it. */
function groupsOf(address: string): number[] {
  const [head = '', tail = ''] = address.split('::').map((part) => part);
  const [first, last] = [head, tail].map((part) =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)),
  );
  return [...first!, ...new Array<number>(8 - first!.length - last!.length).fill(0), ...last!];
}

const bitsOfGroup = (group: number): number[] => [...group.toString(2).padStart(16, '0')].map(Number);

function insert(nodes: (number | null)[][], bits: readonly number[], place: number): void {
  let node = nodes[0]!;
  for (const bit of bits.slice(0, -1)) {
    let next = node[bit] ?? null;
    if (next === null) {
      next = nodes.push([null, null]) - 1;
      node[bit] = next;
    }
    node = nodes[next]!;
  }
  node[bits.at(-1)!] = place;
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([Buffer.from([(2 << 5) | value.length]), Buffer.from(value)]);
  if (typeof value === 'number') {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(value);
    return Buffer.concat([Buffer.from([(6 << 5) | 4]), octets]);
  }
  const members = Object.entries(value);
  return Buffer.concat([
    Buffer.from([(7 << 5) | members.length]),
    ...members.flatMap(([name, member]) => [encode(name), encode(member)]),
  ]);
}
