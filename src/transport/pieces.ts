import { Buffer } from 'node:buffer';

const NOTHING = Buffer.alloc(0);

/** Pieces are joined up to this size: one of an octet takes some hundred of them, and a peer may send nothing but those. */
const JOINED_BYTES = 1024;

const areSmall = (one: Buffer, other: Buffer): boolean => one.length + other.length <= JOINED_BYTES;

/** One to which nothing more is joined: a small one is taken out of the room that Node has for all small buffers, because it would keep
 *  the whole of that (64 KiB) for as long as it waits. */
function settled(piece: Buffer): Buffer {
  if (piece.length > JOINED_BYTES) return piece;
  const own = Buffer.allocUnsafeSlow(piece.length);
  piece.copy(own);
  return own;
}

/** Adds a piece to others, or to the last of them where both are small. */
export function addPiece(pieces: Buffer[], piece: Buffer): void {
  const last = pieces.at(-1);
  if (last !== undefined && areSmall(last, piece)) {
    pieces[pieces.length - 1] = Buffer.concat([last, piece]);
    return;
  }
  if (last !== undefined) pieces[pieces.length - 1] = settled(last);
  pieces.push(piece);
}

/** Octets that wait, in the order in which they came. Nearly always they are one piece, which needs no array: one that empties with
 *  each piece would have to grow again for the next. */
export class Pieces {
  #first: Buffer | null = null;
  readonly #others: Buffer[] = [];
  /** How many octets wait. */
  octets = 0;

  /** The next piece; undefined where none waits. */
  get first(): Buffer | undefined {
    return this.#first ?? undefined;
  }

  push(piece: Buffer): void {
    this.octets += piece.length;
    if (this.#first === null) {
      this.#first = piece;
      return;
    }
    if (this.#others.length > 0) {
      addPiece(this.#others, piece);
      return;
    }
    const isJoined = areSmall(this.#first, piece);
    this.#first = isJoined ? Buffer.concat([this.#first, piece]) : settled(this.#first);
    if (!isJoined) this.#others.push(piece);
  }

  /** Puts one before all that wait. */
  unshift(piece: Buffer): void {
    if (this.#first !== null) this.#others.unshift(this.#first);
    this.#first = piece;
    this.octets += piece.length;
  }

  /** Takes the next one; undefined where none waits. */
  shift(): Buffer | undefined {
    const piece = this.#first;
    if (piece === null) return undefined;
    this.#first = this.#others.length === 0 ? null : (this.#others.shift() ?? null);
    this.octets -= piece.length;
    return piece;
  }

  /** Takes so many octets of the next piece, which must have more. */
  shiftPart(octets: number): Buffer {
    const piece = this.#first ?? NOTHING;
    this.#first = piece.subarray(octets);
    this.octets -= octets;
    return piece.subarray(0, octets);
  }

  /** Takes all, as one. */
  shiftAll(): Buffer {
    const first = this.#first ?? NOTHING;
    const all = this.#others.length === 0 ? first : Buffer.concat([first, ...this.#others]);
    this.#first = null;
    this.#others.length = 0;
    this.octets = 0;
    return all;
  }
}
