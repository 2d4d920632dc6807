import { type AccessRecord, accessLine, isoClock } from './access-record.ts';

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
  readonly #batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #octets = 0;
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
    const line = accessLine(record, paths, this.#isoTime);
    // Of UTF-16 units none takes more than three octets.
    const most = line.length * 3;
    if (this.#octets + most > BATCH_BYTES) this.flush();
    if (most > BATCH_BYTES) return this.#hand(line, Buffer.byteLength(line));
    this.#octets += this.#batch.write(line, this.#octets, 'utf8');
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS).unref();
  }

  /** Posts what is left. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#octets === 0) return;
    const lines = this.#batch.toString('utf8', 0, this.#octets);
    const octets = this.#octets;
    this.#octets = 0;
    this.#hand(lines, octets);
  }

  #hand(lines: string, octets: number): void {
    this.#posted = (this.#posted + octets) | 0;
    this.#options.post(lines, octets);
  }
}
