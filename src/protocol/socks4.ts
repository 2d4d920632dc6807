import { Buffer } from 'node:buffer';
import { AccumulatingDecoder } from './accumulating-decoder.ts';
import { addressOctets } from './address-octets.ts';
import type { Authority } from './authority.ts';
import { type Decoded, decoded, failed, more, type Parsed, parsed, refused } from './decoded.ts';

// SOCKS4 ("SOCKS: A protocol for TCP proxy across firewalls", Ying-Da Lee) and 4A ("SOCKS 4A: A Simple Extension to SOCKS 4
// Protocol"): our side toward an exit, and the refusal of a client that speaks it.

/** CD of a reply; 92 and 93 refuse the user id. */
export const granted = 90;
export const rejected = 91;
const userIdRefused = 93;

/** VN, CD, DSTPORT, DSTIP, USERID, NUL; for a name DSTIP is 0.0.0.1 and the name follows with a NUL (4A). Faults: exit_rejected
 *  for an address that the protocol cannot say, exit_auth_failed for a user id with a NUL. */
export function socks4Request({ host, family, port }: Authority, userId: string): Parsed<Buffer> {
  if (family === 6) return failed('exit_rejected', 'SOCKS4 cannot reach an IPv6 address');
  const address = family === 4 ? addressOctets(host) : Buffer.from([0, 0, 0, 1]);
  // 0.0.0.x is what 4A says a name by.
  if (family === 4 && host.startsWith('0.0.0.')) return failed('exit_rejected', 'SOCKS4 cannot reach 0.0.0.0/24');
  if (userId.includes('\0')) return failed('exit_auth_failed', 'the user id of the exit contains a NUL');
  const head = Buffer.from([0x04, 0x01, port >>> 8, port & 0xff]);
  const name = family === 0 ? `${host}\0` : '';
  return parsed(Buffer.concat([head, address, Buffer.from(`${userId}\0${name}`, 'utf8')]));
}

/** Reads a reply: its CD. VN is 0, though some servers write 4. Fault: exit_rejected. */
export class Socks4ReplyDecoder extends AccumulatingDecoder<number> {
  constructor() {
    super(readReply);
  }
}

/** What a SOCKS4 client at our listener is told: VN 0, CD 91, and no address. */
export const socks4Refusal = (): Buffer => Buffer.from([0, rejected, 0, 0, 0, 0, 0, 0]);

function readReply(octets: Buffer): Decoded<number> {
  const [version, code] = octets;
  if (version !== undefined && version !== 0 && version !== 4) {
    return refused('exit_rejected', 'the exit does not speak SOCKS4');
  }
  if (code === undefined) return more;
  if (code < granted || code > userIdRefused)
    return refused('exit_rejected', 'the exit answers an unknown SOCKS4 code');
  return octets.length < 8 ? more : decoded(code, octets.subarray(8));
}
