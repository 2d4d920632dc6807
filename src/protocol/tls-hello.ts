import { Buffer } from 'node:buffer';
import { AccumulatingDecoder } from './accumulating-decoder.ts';
import { parseHost } from './authority.ts';
import { type Decoded, decoded, more, refused } from './decoded.ts';

/** What the first message of a TLS client says (RFC 8446 §4.1.2). */
export interface ClientHello {
  /** The host_name of its server_name extension (RFC 6066 §3), canonical; null where there is none. */
  readonly serverName: string | null;
}

/** Content type and version before each fragment (RFC 8446 §5.1). */
const RECORD_HEAD = 5;
const HANDSHAKE = 22;
const LONGEST_FRAGMENT = 2 ** 14;

/** Message type and length (RFC 8446 §4). */
const MESSAGE_HEAD = 4;
const CLIENT_HELLO = 1;
/** Hellos are below 2 KiB, those with post-quantum keys included; what is many times longer is none that we need to read. */
const LONGEST_HELLO = 2 ** 14;

const SERVER_NAME = 0;
const HOST_NAME = 0;

const notHello = refused('bad_request', 'the octets are no ClientHello');

/** Reads the ClientHello at the beginning of a TLS connection, over as many records and pieces as it comes in. `rest` is what lies
 *  behind its last octet. Fault (bad_request): it is none, it is malformed, or it is longer than 16 KiB. */
export class ClientHelloDecoder extends AccumulatingDecoder<ClientHello> {
  constructor() {
    super(readHello);
  }
}

function readHello(octets: Buffer): Decoded<ClientHello> {
  const fragments: Buffer[] = [];
  let have = 0;
  let needed = MESSAGE_HEAD;
  for (let at = 0; ; ) {
    const length = fragmentLength(octets, at);
    if (length === null) return notHello;
    if (length === 0) return more;
    at += RECORD_HEAD;
    const fragment = octets.subarray(at, at + length);
    fragments.push(fragment);
    have += fragment.length;
    if (have >= MESSAGE_HEAD && needed === MESSAGE_HEAD) {
      const head = Buffer.concat(fragments);
      needed += head.readUIntBE(1, 3);
      if (head[0] !== CLIENT_HELLO || needed > LONGEST_HELLO) return notHello;
    }
    at += fragment.length;
    if (have >= needed && needed > MESSAGE_HEAD) {
      const message = Buffer.concat(fragments).subarray(MESSAGE_HEAD, needed);
      const serverName = serverNameOf(new Reader(message));
      return serverName === undefined ? notHello : decoded({ serverName }, octets.subarray(at - (have - needed)));
    }
    if (fragment.length < length) return more;
  }
}

/** The length of the record at `at`, 0 while its head isn't whole, null where it is no handshake record. */
function fragmentLength(octets: Buffer, at: number): number | null {
  const [type = HANDSHAKE, major = 3] = octets.subarray(at, at + RECORD_HEAD);
  if (type !== HANDSHAKE || major !== 3) return null;
  if (octets.length < at + RECORD_HEAD) return 0;
  const length = octets.readUInt16BE(at + 3);
  return length === 0 || length > LONGEST_FRAGMENT ? null : length;
}

/** The name, null without one, undefined where the message isn't as RFC 8446 §4.1.2 has it. */
function serverNameOf(hello: Reader): string | null | undefined {
  // legacy_version and random; then legacy_session_id, cipher_suites, legacy_compression_methods.
  hello.skip(2 + 32);
  if (hello.vector(1).length > 32 || hello.vector(2).length < 2 || hello.vector(1).length < 1) return undefined;
  if (hello.isAtEnd) return null;
  const extensions = new Reader(hello.vector(2));
  if (!hello.isAtEnd) return undefined;
  let name: string | null | undefined = null;
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type !== SERVER_NAME || extensions.failed) continue;
    // RFC 8446 §4.2: no extension twice.
    name = name === null ? hostNameOf(new Reader(content)) : undefined;
    if (name === undefined) return undefined;
  }
  return extensions.failed ? undefined : name;
}

/** The one host_name of a ServerNameList. An address is none (RFC 6066 §3). */
function hostNameOf(extension: Reader): string | undefined {
  const list = new Reader(extension.vector(2));
  if (!extension.isAtEnd || list.number(1) !== HOST_NAME) return undefined;
  const host = parseHost(list.vector(2).toString('latin1'));
  return list.isAtEnd && !list.failed && host.ok && host.value.family === 0 ? host.value.host : undefined;
}

/** Reads numbers and vectors one after the other. Reading past the end fails once and for all, and is then at the end. */
class Reader {
  readonly #octets: Buffer;
  #at = 0;
  failed = false;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  skip(length: number): void {
    this.#take(length);
  }

  number(size: 1 | 2): number {
    const octets = this.#take(size);
    return octets.length === size ? octets.readUIntBE(0, size) : 0;
  }

  /** A vector whose length stands before it in `size` octets (RFC 8446 §3.4). */
  vector(size: 1 | 2): Buffer {
    return this.#take(this.number(size));
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#octets.length) {
      this.failed = true;
      this.#at = this.#octets.length;
      return this.#octets.subarray(0, 0);
    }
    this.#at += length;
    return this.#octets.subarray(this.#at - length, this.#at);
  }
}
