import type { RingWriter } from '../memory/octet-ring.ts';
import { isoClock, writeAccessLine } from './access-line.ts';
import type { AccessRecord } from './access-record.ts';
import { JsonOctets } from './json-octets.ts';

export interface AccessLinesOptions {
  /** Whether paths and queries are written. They can hold secrets of the client. */
  readonly paths: boolean;
  /** Where whole lines go, to be taken by the thread that writes them to the log. */
  readonly ring: RingWriter;
  /** Tells that thread that there are lines, after it had rested. */
  readonly tell: () => void;
  /** A line is lost, because that thread did not take the ones before. */
  readonly onDrop: () => void;
}

/** Octets of most lines. */
const MOST_LINES = 4 * 1_024;

/** A worker's side of the access log: formats lines, straight into the memory from which they are taken. It never waits for who
 *  takes them, and no more of them wait than the ring holds. */
export class AccessLines {
  readonly #options: AccessLinesOptions;
  readonly #isoTime = isoClock();
  readonly #line = new JsonOctets();

  constructor(options: AccessLinesOptions) {
    this.#options = options;
  }

  /** Appends one line. Never throws, never waits. */
  write(record: AccessRecord): void {
    const { ring, paths, tell, onDrop } = this.#options;
    const line = this.#line;
    line.begin(ring.octets, ring.start, ring.endFor(MOST_LINES));
    writeAccessLine(line, record, { paths, isoTime: this.#isoTime });
    if (line.isInPlace) ring.publish(line.length);
    else if (!ring.put(line.written)) {
      onDrop();
      return;
    }
    if (ring.wakes()) tell();
  }
}
