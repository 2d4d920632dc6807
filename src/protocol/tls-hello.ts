import { Buffer } from 'node:buffer';
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
 *  behind its last octet. Fault (bad_request): it is none, it is malformed, or it is longer than 16 KiB. Each octet is looked at once,
 *  because a client may send a hello of an octet a record, and each of those by itself; and none is kept but as a copy. */
export class ClientHelloDecoder {
  /** The head of the record that is being read, `#headOctets` of it; then the octets of its fragment that are still to come. */
  readonly #head = Buffer.alloc(RECORD_HEAD);
  #headOctets = 0;
  #left = 0;
  /** The message, `#have` octets of it; at first no more than its head. */
  #message = Buffer.alloc(MESSAGE_HEAD);
  #have = 0;

  /** Not to be called again once it has returned a value or a fault. */
  push(octets: Buffer): Decoded<ClientHello> {
    for (let at = 0; at < octets.length; ) {
      const end = this.#left === 0 ? this.#takeRecordHead(octets, at) : this.#takeFragment(octets, at);
      if (end === null) return notHello;
      at = end;
      if (this.#have < this.#message.length) continue;
      const serverName = serverNameOf(new Reader(this.#message.subarray(MESSAGE_HEAD)));
      return serverName === undefined ? notHello : decoded({ serverName }, octets.subarray(at));
    }
    return more;
  }

  /** Returns where it ends in `octets`, as far as it has come; null where it is that of no handshake record. */
  #takeRecordHead(octets: Buffer, start: number): number | null {
    const end = Math.min(octets.length, start + RECORD_HEAD - this.#headOctets);
    octets.copy(this.#head, this.#headOctets, start, end);
    this.#headOctets += end - start;
    const [type = HANDSHAKE, major = 3] = this.#head.subarray(0, this.#headOctets);
    if (type !== HANDSHAKE || major !== 3) return null;
    if (this.#headOctets < RECORD_HEAD) return end;
    this.#headOctets = 0;
    this.#left = this.#head.readUInt16BE(3);
    return this.#left === 0 || this.#left > LONGEST_FRAGMENT ? null : end;
  }

  /** The same of a fragment, as far as it belongs to the message; null where that is no ClientHello. */
  #takeFragment(octets: Buffer, start: number): number | null {
    const end = Math.min(octets.length, start + this.#left, start + this.#message.length - this.#have);
    octets.copy(this.#message, this.#have, start, end);
    this.#have += end - start;
    this.#left -= end - start;
    if (this.#have < MESSAGE_HEAD || this.#message.length > MESSAGE_HEAD) return end;
    const length = MESSAGE_HEAD + this.#message.readUIntBE(1, 3);
    if (this.#message[0] !== CLIENT_HELLO || length === MESSAGE_HEAD || length > LONGEST_HELLO) return null;
    const head = this.#message;
    this.#message = Buffer.alloc(length);
    head.copy(this.#message);
    return end;
  }
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
