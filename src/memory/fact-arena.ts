import type { Buffer } from 'node:buffer';
import { GrowingOctets, octetsOf } from './growing.ts';

/** Where and with what one exit is dialled, but for its protocol. */
export interface DialFacts {
  readonly host: string;
  /** 0 to 65,535. */
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
}

/** A record: port, octets of host, user name and password (16 bits each), then these three in UTF-8. */
const HEAD = 8;
const HOST = 2;
const USERNAME = 4;
const PASSWORD = 6;

/** Stands for a text that is absent; as good as the longest one. */
const ABSENT = 0xffff;

const MAX_OCTETS = 2 ** 30;

/** Dialling facts of many exits, one record after the other, in shared memory. A record never changes, so that others may read
 *  what they know the place of while one thread appends. */
export class FactArena {
  readonly #memory = new GrowingOctets(MAX_OCTETS);
  #end = 0;

  get shared(): SharedArrayBuffer {
    return this.#memory.shared;
  }

  /** Where the next record will stand: all octets before it are in use, or were. */
  get end(): number {
    return this.#end;
  }

  /** Appends a record and returns where it stands. Throws RangeError when the arena is full, or a text longer than 65,534
   *  octets. */
  append({ host, port, username, password }: DialFacts): number {
    const start = this.#end;
    // A text has at most three octets for each of its UTF-16 units.
    const most = 3 * (host.length + (username?.length ?? 0) + (password?.length ?? 0));
    this.#memory.reserve(start + HEAD + most);
    const { octets } = this.#memory;
    octets.writeUInt16LE(port, start);
    this.#end = start + HEAD;
    octets.writeUInt16LE(this.#write(host), start + HOST);
    octets.writeUInt16LE(username === undefined ? ABSENT : this.#write(username), start + USERNAME);
    octets.writeUInt16LE(password === undefined ? ABSENT : this.#write(password), start + PASSWORD);
    return start;
  }

  /** Appends a record of another arena. */
  appendCopy(other: FactView, start: number): number {
    const record = other.record(start);
    const at = this.#end;
    this.#memory.reserve(at + record.length);
    this.#memory.octets.set(record, at);
    this.#end = at + record.length;
    return at;
  }

  /** Gives up everything from `end` on. */
  truncate(end: number): void {
    this.#end = end;
  }

  /** The facts of the record at `start`. */
  read(start: number): DialFacts {
    return readFacts(this.#memory.octets, start);
  }

  /** Whether two records are the same. */
  alike(one: number, other: number): boolean {
    const { octets } = this.#memory;
    const length = lengthOf(octets, one);
    if (length !== lengthOf(octets, other)) return false;
    return octets.compare(octets, one, one + length, other, other + length) === 0;
  }

  #write(text: string): number {
    const written = this.#memory.octets.write(text, this.#end);
    if (written >= ABSENT) throw new RangeError('a part of a credential is longer than 65,534 octets');
    this.#end += written;
    return written;
  }
}

/** Reads the records of an arena: those that stood when the view was made. */
export class FactView {
  readonly #octets: Buffer<ArrayBufferLike>;

  constructor(shared: SharedArrayBuffer) {
    this.#octets = octetsOf(shared);
  }

  /** The facts at `start`, a place that `append` returned. */
  read(start: number): DialFacts {
    return readFacts(this.#octets, start);
  }

  /** How many octets the record at `start` has. */
  lengthAt(start: number): number {
    return lengthOf(this.#octets, start);
  }

  /** The octets of the record at `start`. */
  record(start: number): Buffer<ArrayBufferLike> {
    return this.#octets.subarray(start, start + lengthOf(this.#octets, start));
  }
}

function lengthOf(octets: Buffer<ArrayBufferLike>, start: number): number {
  const present = (at: number) => {
    const length = octets.readUInt16LE(start + at);
    return length === ABSENT ? 0 : length;
  };
  return HEAD + present(HOST) + present(USERNAME) + present(PASSWORD);
}

function readFacts(octets: Buffer<ArrayBufferLike>, start: number): DialFacts {
  const port = octets.readUInt16LE(start);
  const host = start + HEAD;
  const username = host + octets.readUInt16LE(start + HOST);
  const usernameLength = octets.readUInt16LE(start + USERNAME);
  if (usernameLength === ABSENT) return { host: octets.toString('utf8', host, username), port };
  const password = username + usernameLength;
  const passwordLength = octets.readUInt16LE(start + PASSWORD);
  return {
    host: octets.toString('utf8', host, username),
    port,
    username: octets.toString('utf8', username, password),
    ...(passwordLength === ABSENT ? {} : { password: octets.toString('utf8', password, password + passwordLength) }),
  };
}
