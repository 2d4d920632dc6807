import { Buffer } from 'node:buffer';
import { AccumulatingDecoder } from './accumulating-decoder.ts';
import { addressOctets } from './address-octets.ts';
import type { Authority } from './authority.ts';
import type { Credential } from './credentials.ts';
import { type Decoded, decoded, failed, more, type Parsed, parsed, refused } from './decoded.ts';
import { addressTypes, connectCommand, noAuthentication, socksVersion, succeeded, usernamePassword } from './socks5.ts';

// What a SOCKS5 client writes and reads (RFC 1928, RFC 1929): our side toward an exit.

/** VER, NMETHODS, METHODS. With a password both methods are offered: an exit that knows us by our address takes the other. */
export const greeting = (withPassword: boolean): Buffer =>
  Buffer.from(
    withPassword ? [socksVersion, 2, noAuthentication, usernamePassword] : [socksVersion, 1, noAuthentication],
  );

/** VER, ULEN, UNAME, PLEN, PASSWD (RFC 1929 §2), in UTF-8. Fault: exit_auth_failed where either is longer than 255 octets. */
export function passwordRequest({ username, password }: Credential): Parsed<Buffer> {
  const name = Buffer.from(username, 'utf8');
  const secret = Buffer.from(password, 'utf8');
  if (name.length > 255 || secret.length > 255) {
    return failed('exit_auth_failed', 'the credential of the exit is longer than 255 octets');
  }
  return parsed(Buffer.concat([Buffer.from([0x01, name.length]), name, Buffer.from([secret.length]), secret]));
}

/** VER, CMD, RSV, ATYP, DST.ADDR, DST.PORT of a CONNECT (RFC 1928 §4). */
export function connectRequest({ host, family, port }: Authority): Buffer {
  const address = family === 0 ? Buffer.from(host, 'latin1') : addressOctets(host);
  const type = family === 0 ? addressTypes.domain : family === 4 ? addressTypes.ipv4 : addressTypes.ipv6;
  const head = [socksVersion, connectCommand, 0x00, type];
  if (family === 0) head.push(address.length);
  return Buffer.concat([Buffer.from(head), address, Buffer.from([port >>> 8, port & 0xff])]);
}

/** Reads VER, METHOD: the method that the exit chose, 0xFF for none. Fault: exit_rejected. */
export class MethodDecoder extends AccumulatingDecoder<number> {
  constructor() {
    super(readMethod);
  }
}

/** Reads VER, STATUS of RFC 1929 §2: whether the exit took the credential. Never faults: some servers write 5 for VER. */
export class PasswordReplyDecoder extends AccumulatingDecoder<boolean> {
  constructor() {
    super(readPasswordReply);
  }
}

/** Reads a reply: its REP octet (RFC 1928 §6). A success has exactly its length, whatever the type of BND.ADDR, be it a domain
 *  of no octets. A refusal is taken by its first two octets, because old servers end it there; its rest is worthless. Fault: exit_rejected. */
export class SocksReplyDecoder extends AccumulatingDecoder<number> {
  constructor() {
    super(readReply);
  }
}

function readMethod(octets: Buffer): Decoded<number> {
  const [version, method] = octets;
  if (version !== undefined && version !== socksVersion)
    return refused('exit_rejected', 'the exit does not speak SOCKS5');
  return method === undefined ? more : decoded(method, octets.subarray(2));
}

function readPasswordReply(octets: Buffer): Decoded<boolean> {
  const status = octets[1];
  return status === undefined ? more : decoded(status === 0x00, octets.subarray(2));
}

function readReply(octets: Buffer): Decoded<number> {
  const [version, reply, , addressType, domainLength] = octets;
  if (version !== undefined && version !== socksVersion)
    return refused('exit_rejected', 'the exit does not speak SOCKS5');
  if (reply === undefined) return more;
  if (reply !== succeeded) return decoded(reply, octets.subarray(2));
  if (addressType === undefined) return more;
  const end = replyLength(addressType, domainLength);
  if (end === null) return refused('exit_rejected', 'the exit names a bound address of unknown type');
  return end === undefined || octets.length < end ? more : decoded(reply, octets.subarray(end));
}

/** Octets of a whole reply; undefined while a domain's length is yet to come, null for an unknown address type. */
function replyLength(addressType: number, domainLength: number | undefined): number | null | undefined {
  if (addressType === addressTypes.ipv4) return 10;
  if (addressType === addressTypes.ipv6) return 22;
  if (addressType !== addressTypes.domain) return null;
  return domainLength === undefined ? undefined : 7 + domainLength;
}
