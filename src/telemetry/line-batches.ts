import { isoClock, writeAccessLine } from './access-line.ts';
import type { AccessRecord } from './access-record.ts';
import { JsonOctets } from './json-octets.ts';

export interface LineBatchOptions {
  /** Whether paths and queries are written. They can hold secrets of the client. */
  readonly paths: boolean;
  /** Takes whole lines, and how many octets they have. */
  readonly post: (lines: string, octets: number) => void;
  /** Octets taken so far by whom they are posted to, wrapping at 32 bits. */
  readonly taken: () => number;
  /** Octets posted and not yet taken; lines beyond are dropped. */
  readonly limitBytes?: number;
  /** A line is lost, because nobody took the ones before. */
  readonly onDrop: () => void;
}

const LIMIT_BYTES = 4 * 1_024 * 1_024;

/** Lines go together: so many octets of them, or what came in so many ms. */
const BATCH_BYTES = 64 * 1_024;
const BATCH_MS = 50;

/** A worker's side of the access log: formats lines, and hands them in batches to the thread that writes. It never waits for that
 *  thread, and holds no more than it may when that thread is slow. */
export class LineBatches {
  readonly #options: LineBatchOptions;
  readonly #isoTime = isoClock();
  /** A line more than a batch has. */
  readonly #batch = new JsonOctets(BATCH_BYTES + 4 * 1_024);
  #timer: NodeJS.Timeout | null = null;
  /** Wraps at 32 bits. */
  #posted: number;

  constructor(options: LineBatchOptions) {
    this.#options = options;
    this.#posted = options.taken();
  }

  /** Appends one line. Never throws, never waits. */
  write(record: AccessRecord): void {
    const { limitBytes = LIMIT_BYTES, taken, paths, onDrop } = this.#options;
    if (((this.#posted - taken()) | 0) >= limitBytes) {
      onDrop();
      return;
    }
    writeAccessLine(this.#batch, record, { paths, isoTime: this.#isoTime });
    if (this.#batch.length >= BATCH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS).unref();
  }

  /** Posts what is left. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const octets = this.#batch.length;
    if (octets === 0) return;
    this.#posted = (this.#posted + octets) | 0;
    this.#options.post(this.#batch.take(), octets);
  }
}
