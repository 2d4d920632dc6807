import { type AccessRecord, accessLine } from './access-record.ts';

export interface LineBatchOptions {
  /** Whether paths and queries are written. They can hold secrets of the client. */
  readonly paths: boolean;
  /** Takes whole lines, and how many octets they have. */
  readonly post: (lines: string, octets: number) => void;
  /** Octets taken so far by whom they are posted to, wrapping at 32 bits. */
  readonly taken: () => number;
  /** Octets posted and not yet taken; lines beyond are dropped. */
  readonly limitBytes?: number;
}

const LIMIT_BYTES = 4 * 1_024 * 1_024;

/** Lines go together: so many characters of them, or what came in so many ms. */
const BATCH_LENGTH = 15 * 1_024;
const BATCH_MS = 50;

/** A worker's side of the access log: formats lines, and hands them in batches to the thread that writes. It never waits for that
 *  thread, and holds no more than it may when that thread is slow. */
export class LineBatches {
  readonly #options: LineBatchOptions;
  #lines = '';
  #timer: NodeJS.Timeout | null = null;
  /** Wraps at 32 bits. */
  #posted: number;
  #dropped = 0;

  constructor(options: LineBatchOptions) {
    this.#options = options;
    this.#posted = options.taken();
  }

  /** Lines lost because nobody took the ones before. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Appends one line. Never throws, never waits. */
  write(record: AccessRecord): void {
    const { limitBytes = LIMIT_BYTES, taken, paths } = this.#options;
    if (((this.#posted - taken()) | 0) >= limitBytes) {
      this.#dropped++;
      return;
    }
    this.#lines += accessLine(record, paths);
    if (this.#lines.length >= BATCH_LENGTH) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS).unref();
  }

  /** Posts what is left. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#lines === '') return;
    const lines = this.#lines;
    const octets = Buffer.byteLength(lines);
    this.#lines = '';
    this.#posted = (this.#posted + octets) | 0;
    this.#options.post(lines, octets);
  }
}
