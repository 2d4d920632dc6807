import { octetRingOf, RingReader } from '../memory/octet-ring.ts';

/** Texts, because buffers cost more than all the rest: V8's threads then took 1.2 µs more for each line. */
const textOf = (octets: Buffer<ArrayBufferLike>): string => octets.toString();

/** How often rings are looked at while lines come, in ms. */
const LOOK_MS = 50;

/** The other side of the rings that workers write their lines into: takes what is there, again and again while something comes,
 *  and then rests until it is told. */
export class LineCollector {
  readonly #rings: readonly RingReader[];
  readonly #write: (lines: string) => void;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  /** `shared` has a ring each; `write` takes whole lines. */
  constructor(shared: readonly SharedArrayBuffer[], write: (lines: string) => void) {
    this.#rings = shared.map((ring) => new RingReader(octetRingOf(ring)));
    this.#write = write;
  }

  /** Takes what there is, now. To be called when a worker tells of lines, and once it has ended, since it may have died before it
   *  told. */
  look(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const goesOn = this.#takeAll() || !this.#rest();
    this.#timer = goesOn && !this.#closed ? setTimeout(() => this.look(), LOOK_MS).unref() : null;
  }

  /** Takes what is left, and looks no more by itself. */
  close(): void {
    this.#closed = true;
    this.look();
  }

  /** Whether there was anything. */
  #takeAll(): boolean {
    let found = false;
    for (const ring of this.#rings) {
      const lines = ring.take(textOf);
      if (lines === null) continue;
      found = true;
      this.#write(lines);
    }
    return found;
  }

  #rest(): boolean {
    return this.#rings.every((ring) => ring.rest());
  }
}
