import type { Words } from './words.ts';

/** Words of a worker: a cache line each, so that none slows down another. */
const ROW_WORDS = 16;
/** The first row is the control thread's. */
const MEMORY_FULL = 0;
const CONNECTIONS = 0;
const LOG_TAKEN = 1;

/** What each worker carries now, in memory shared by all threads. Workers are numbered from 0; a worker writes its own row only,
 *  the control thread the first one and those of the dead. */
export class WorkerLoad {
  readonly #words: Words;

  /** `words` are zeros at first; `wordsFor` says how many. */
  constructor(words: Words) {
    this.#words = words;
  }

  static wordsFor(workers: number): number {
    return (1 + workers) * ROW_WORDS;
  }

  /** Counts a connection of a worker's. Returns how many all workers have, this one included. Whoever compares that with a limit
   *  never lets one too many pass: of two that come at once at least one counts both. */
  open(worker: number): number {
    this.#words.add(rowOf(worker) + CONNECTIONS, 1);
    return this.connections;
  }

  close(worker: number): void {
    this.#words.add(rowOf(worker) + CONNECTIONS, -1);
  }

  /** Connections of all workers. */
  get connections(): number {
    let sum = 0;
    for (let row = ROW_WORDS; row < this.#words.length; row += ROW_WORDS) sum += this.#words.load(row + CONNECTIONS);
    return sum;
  }

  /** Connections of each worker. */
  get perWorker(): readonly number[] {
    const workers = this.#words.length / ROW_WORDS - 1;
    return Array.from({ length: workers }, (_, worker) => this.#words.load(rowOf(worker) + CONNECTIONS));
  }

  /** Whether the process holds more memory than it may. */
  get memoryFull(): boolean {
    return this.#words.load(MEMORY_FULL) !== 0;
  }

  set memoryFull(full: boolean) {
    this.#words.store(MEMORY_FULL, full ? 1 : 0);
  }

  /** Octets of a worker's log that the control thread took, wrapping at 32 bits. */
  logTaken(worker: number): number {
    return this.#words.load(rowOf(worker) + LOG_TAKEN);
  }

  takeLog(worker: number, octets: number): void {
    this.#words.add(rowOf(worker) + LOG_TAKEN, octets);
  }

  /** Gives back what a worker held when it died. */
  release(worker: number): void {
    this.#words.store(rowOf(worker) + CONNECTIONS, 0);
  }
}

const rowOf = (worker: number): number => (1 + worker) * ROW_WORDS;
