import { Buffer } from 'node:buffer';
import { GatewayError } from '../errors.ts';
import { AccumulatingDecoder } from './accumulating-decoder.ts';
import { addressOctets, addressText } from './address-octets.ts';
import { type Authority, parseHost } from './authority.ts';
import { credentialText, type ReceivedCredential, receivedCredential } from './credentials.ts';
import { type Decoded, decoded, type Fault, more, refused } from './decoded.ts';

// What a SOCKS5 server reads and writes (RFC 1928, RFC 1929). The client's side is socks5-client.ts.

/** X'05', the first octet of every message of RFC 1928. */
export const socksVersion = 0x05;
/** Methods (RFC 1928 §3). */
export const noAuthentication = 0x00;
export const usernamePassword = 0x02;
export const noAcceptableMethods = 0xff;
/** The one command we serve (RFC 1928 §4). */
export const connectCommand = 0x01;
/** REP of success (RFC 1928 §6). */
export const succeeded = 0x00;

/** Address types (RFC 1928 §5). */
export const addressTypes = Object.freeze({ ipv4: 0x01, domain: 0x03, ipv6: 0x04 });

/** A request of RFC 1928 §4. */
export interface SocksRequest {
  readonly command: number;
  readonly addressType: number;
  /** What to dial; or why that cannot be, as an error whose `socks5` is the REP to answer: not_supported (0x07 for a command
   *  other than CONNECT, 0x08 for an unknown address type) or bad_request. */
  readonly target: Authority | GatewayError;
}

/** Reads VER, NMETHODS, METHODS: the methods that the client offers, in its order. Fault: bad_request. */
export class GreetingDecoder extends AccumulatingDecoder<readonly number[]> {
  constructor() {
    super(readGreeting);
  }
}

/** Reads the user name and password of RFC 1929 §2. Faults: bad_request for another version; auth_failed for a credential with
 *  control characters: answer passwordReply(false). */
export class PasswordDecoder extends AccumulatingDecoder<ReceivedCredential> {
  constructor() {
    super(readPassword);
  }
}

/** Reads a request. Fault: bad_request where VER or RSV is wrong; all else that is wrong stands in the value's `target`. Where a
 *  request of unknown address type ends cannot be known: its rest is worthless. */
export class SocksRequestDecoder extends AccumulatingDecoder<SocksRequest> {
  constructor() {
    super(readRequest);
  }
}

/** VER, METHOD. */
export const methodReply = (method: number): Buffer => Buffer.from([socksVersion, method]);

/** VER, STATUS of RFC 1929 §2. The connection must be closed after a failure. */
export const passwordReply = (ok: boolean): Buffer => Buffer.from([0x01, ok ? 0x00 : 0x01]);

/** A whole reply, 10 octets, or 22 where the bound address is IPv6. Without `bound` it is 0.0.0.0:0, as in every refusal. */
export function socksReply(rep: number, bound?: { readonly host: string; readonly port: number }): Buffer {
  const known = addressOctets(bound?.host ?? '');
  const address = known.length === 0 ? Buffer.alloc(4) : known;
  const port = Buffer.alloc(2);
  port.writeUInt16BE(known.length === 0 ? 0 : (bound?.port ?? 0));
  const type = address.length === 4 ? addressTypes.ipv4 : addressTypes.ipv6;
  return Buffer.concat([Buffer.from([socksVersion, rep, 0x00, type]), address, port]);
}

function readGreeting(octets: Buffer): Decoded<readonly number[]> {
  const [version, count] = octets;
  if (version !== undefined && version !== socksVersion) return refused('bad_request', 'not a SOCKS5 greeting');
  if (count === undefined || octets.length < 2 + count) return more;
  return decoded([...octets.subarray(2, 2 + count)], octets.subarray(2 + count));
}

function readPassword(octets: Buffer): Decoded<ReceivedCredential> {
  const [version, nameLength] = octets;
  if (version !== undefined && version !== 0x01) return refused('bad_request', 'not a login of RFC 1929');
  if (nameLength === undefined) return more;
  const passwordLength = octets[2 + nameLength];
  const passwordAt = 3 + nameLength;
  if (passwordLength === undefined || octets.length < passwordAt + passwordLength) return more;
  const end = passwordAt + passwordLength;
  const username = credentialText(octets.subarray(2, 2 + nameLength));
  const credential = receivedCredential({ username, password: credentialText(octets.subarray(passwordAt, end)) });
  return credential.ok ? decoded(credential.value, octets.subarray(end)) : { state: 'error', fault: credential.fault };
}

function readRequest(octets: Buffer): Decoded<SocksRequest> {
  const [version, command, reserved, addressType, domainLength] = octets;
  if (version !== undefined && version !== socksVersion) return refused('bad_request', 'not a SOCKS5 request');
  if (reserved !== undefined && reserved !== 0x00) return refused('bad_request', 'the RSV octet must be 0');
  if (command === undefined || addressType === undefined) return more;
  const addressAt = addressType === addressTypes.domain ? 5 : 4;
  const length = addressLength(addressType, domainLength);
  if (length === null) {
    const target = new GatewayError('not_supported', { detail: 'unknown SOCKS5 address type', socks5: 0x08 });
    return decoded({ command, addressType, target }, octets.subarray(4));
  }
  if (length === undefined || octets.length < addressAt + length + 2) return more;
  const end = addressAt + length + 2;
  const address = octets.subarray(addressAt, addressAt + length);
  const target = readTarget({ command, addressType, address, port: octets.readUInt16BE(end - 2) });
  return decoded({ command, addressType, target }, octets.subarray(end));
}

/** Octets of the address; undefined while a domain's length is yet to come, null for an unknown type. */
function addressLength(addressType: number, domainLength: number | undefined): number | null | undefined {
  if (addressType === addressTypes.ipv4) return 4;
  if (addressType === addressTypes.ipv6) return 16;
  return addressType === addressTypes.domain ? domainLength : null;
}

interface RequestParts {
  readonly command: number;
  readonly addressType: number;
  readonly address: Buffer;
  readonly port: number;
}

function readTarget({ command, addressType, address, port }: RequestParts): Authority | GatewayError {
  if (command !== connectCommand) {
    return new GatewayError('not_supported', { detail: 'of the SOCKS5 commands only CONNECT is served', socks5: 0x07 });
  }
  const host = parseHost(addressType === addressTypes.domain ? address.toString('latin1') : addressText(address));
  if (!host.ok) return faultError(host.fault);
  return port === 0 ? faultError({ kind: 'bad_request', detail: 'port 0 cannot be reached' }) : { ...host.value, port };
}

const faultError = ({ kind, detail }: Fault) => new GatewayError(kind, { detail });
