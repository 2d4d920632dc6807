import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';

/** What a name server says to one question: addresses of the family asked for, a response code (RFC 1035 §4.1.1), or nothing. */
export type DnsReply = { addresses: readonly string[]; ttl?: number } | { rcode: number } | 'silence';

export interface DnsServer {
  /** For Resolver.setServers. */
  readonly address: string;
  /** Questions so far, as `4 name` and `6 name`. */
  readonly questions: string[];
  close(): Promise<void>;
}

/** Starts a name server on loopback that answers by `answer`, after what it promises. */
export async function startDnsServer(
  answer: (name: string, family: 4 | 6) => DnsReply | Promise<DnsReply>,
): Promise<DnsServer> {
  const questions: string[] = [];
  const socket = createSocket('udp4');
  let closed = false;
  socket.on('message', async (message, peer) => {
    const { name, type, end } = readQuestion(message);
    const family = type === 1 ? 4 : 6;
    questions.push(`${family} ${name}`);
    const reply = await answer(name, family);
    if (reply !== 'silence' && !closed)
      socket.send(render(message.subarray(0, end), reply, type), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    close: () => {
      closed = true;
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function render(question: Buffer, reply: Exclude<DnsReply, 'silence'>, type: number): Buffer {
  const head = Buffer.from(question);
  const addresses = 'addresses' in reply ? reply.addresses : [];
  head.writeUInt16BE(0x8180 | ('rcode' in reply ? reply.rcode : 0), 2);
  head.writeUInt16BE(addresses.length, 6);
  // No authority and no additional records, whatever the question had.
  head.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const octets = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : ipv6Octets(address);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(('ttl' in reply ? reply.ttl : undefined) ?? 60, 6);
    record.writeUInt16BE(octets.length, 10);
    return Buffer.concat([record, octets]);
  });
  return Buffer.concat([head, ...records]);
}

function ipv6Octets(address: string): Buffer {
  const [front = '', back = ''] = address.split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':'));
  const zeros = 8 - words(front).length - words(back).length;
  const all = [...words(front), ...Array.from({ length: zeros }, () => '0'), ...words(back)];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}
