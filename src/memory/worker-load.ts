import { elapsedMs } from './clock.ts';
import type { Words } from './words.ts';

/** Words of a worker: a cache line each, so that none slows down another. */
const ROW_WORDS = 16;
const CONTROL_ROW = 0;
// Of the control thread's row:
const MEMORY_FULL = 0;
const FRONT = 4;
const SPREAD = 5;
const ORDER_LOST = 6;
const ORPHANS = 7;
// Of a worker's:
const CONNECTIONS = 0;
const EXPECTED = 1;
/** When a thread was last seen alive, 0 for one that takes no connection of others. */
const SEEN = 2;
const BATCHES_TAKEN = 3;
/** What it has of a core, in thousandths. */
const BUSY = 4;
const RANK = 5;
/** Those of its connections that are tunnels outside of JavaScript. */
const OUTSIDE = 6;

/** A thread that was not seen for so long hangs, or may: more than two looks. In ms. */
const HANGS_MS = 600;

/** A worker passes a connection on that has more than so many times as many as another, and two. */
const UNEVEN = 1.125;

/** What a worker does, as seen now. */
export interface WorkerShare {
  /** Its processor time of late, as a share of a core. */
  readonly busy: number;
  /** False for one that hangs, or is being replaced. */
  readonly alive: boolean;
}

/** What each worker carries now, in memory shared by all threads. Workers are numbered from 0; the first row is the control
 *  thread's. `now` is the clock of all threads, in ms. */
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

  /** Counts a tunnel of a worker's that goes on outside of JavaScript: a connection, which outlives the worker. */
  openOutside(worker: number): void {
    this.#words.add(rowOf(worker) + OUTSIDE, 1);
    this.#words.add(rowOf(worker) + CONNECTIONS, 1);
  }

  closeOutside(worker: number): void {
    this.#words.add(rowOf(worker) + CONNECTIONS, -1);
    this.#words.add(rowOf(worker) + OUTSIDE, -1);
  }

  /** Tunnels of all workers that go on outside of JavaScript. */
  get outside(): number {
    return this.#sum(OUTSIDE);
  }

  /** So many tunnels were left behind by workers that have died. */
  set orphans(count: number) {
    this.#words.store(ORPHANS, count);
  }

  /** How many workers stand in front, those of the lowest ranks: they are to have all new connections. 0 for all of them. */
  get front(): number {
    return this.#words.load(FRONT);
  }

  set front(count: number) {
    this.#words.store(FRONT, count);
  }

  /** Over how many the system is to spread new connections at the moment; 0 for all. */
  get spread(): number {
    return this.#words.load(SPREAD);
  }

  set spread(count: number) {
    this.#words.store(SPREAD, count);
  }

  /** Whether the system can't do that, or numbers them in another way than we do. */
  get orderLost(): boolean {
    return this.#words.load(ORDER_LOST) !== 0;
  }

  loseOrder(): void {
    this.#words.store(ORDER_LOST, 1);
  }

  /** The number that the system has for a worker's listeners, among those of the living ones. */
  rank(worker: number): number {
    return this.#words.load(rowOf(worker) + RANK);
  }

  setRank(worker: number, rank: number): void {
    this.#words.store(rowOf(worker) + RANK, rank);
  }

  inFront(worker: number): boolean {
    const { front } = this;
    return front === 0 || this.rank(worker) < front;
  }

  /** The worker has had this share of a core of late. */
  worked(worker: number, share: number): void {
    this.#words.store(rowOf(worker) + BUSY, Math.round(share * 1_000));
  }

  share(worker: number, now: number): WorkerShare {
    const row = rowOf(worker);
    return { busy: this.#words.load(row + BUSY) / 1_000, alive: this.#isAlive(row, now) };
  }

  /** The worker in front that had better have the next connection of `worker`'s; -1 where that had better keep it, and where the
   *  control thread, by which it would go, hangs. */
  lighterThan(worker: number, now: number): number {
    if (!this.#isAlive(CONTROL_ROW, now)) return -1;
    let [least, lightest] = [Number.POSITIVE_INFINITY, -1];
    for (let other = 0; rowOf(other) < this.#words.length; other++) {
      const row = rowOf(other);
      const load = this.#words.load(row + CONNECTIONS) + this.#words.load(row + EXPECTED);
      if (load >= least || other === worker || !this.inFront(other) || !this.#isAlive(row, now)) continue;
      least = load;
      lightest = other;
    }
    if (!this.inFront(worker)) return lightest;
    return this.#words.load(rowOf(worker) + CONNECTIONS) > least * UNEVEN + 2 ? lightest : -1;
  }

  /** A connection is on its way to a worker; it is `met` there, or where it is lost, once. */
  expect(worker: number): void {
    this.#words.add(rowOf(worker) + EXPECTED, 1);
  }

  /** Connections on their way to some worker. */
  get onTheirWay(): number {
    return this.#sum(EXPECTED);
  }

  met(worker: number): void {
    this.#words.add(rowOf(worker) + EXPECTED, -1);
  }

  /** A worker is alive now, and takes connections of others. */
  seen(worker: number, now: number): void {
    this.#see(rowOf(worker), now);
  }

  /** The control thread is. */
  seenControl(now: number): void {
    this.#see(CONTROL_ROW, now);
  }

  /** When the worker was last seen, to be told from any other time; 0 for one that takes no connection of others. */
  lastSeen(worker: number): number {
    return this.#words.load(rowOf(worker) + SEEN);
  }

  /** The worker takes no connection of others until it is seen again. */
  unseen(worker: number): void {
    this.#words.store(rowOf(worker) + SEEN, 0);
  }

  /** Connections of all workers, those that have died included. */
  get connections(): number {
    return this.#words.load(ORPHANS) + this.#sum(CONNECTIONS);
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

  /** Batches of a worker's bookings that the control thread took, wrapping at 32 bits. */
  batchesTaken(worker: number): number {
    return this.#words.load(rowOf(worker) + BATCHES_TAKEN);
  }

  takeBatch(worker: number): void {
    this.#words.add(rowOf(worker) + BATCHES_TAKEN, 1);
  }

  /** Gives back what a worker held when it died. */
  release(worker: number): void {
    this.#words.store(rowOf(worker) + CONNECTIONS, 0);
    this.#words.store(rowOf(worker) + OUTSIDE, 0);
    this.worked(worker, 0);
    this.unseen(worker);
  }

  /** Of a word of all workers. */
  #sum(word: number): number {
    let sum = 0;
    for (let row = ROW_WORDS; row < this.#words.length; row += ROW_WORDS) sum += this.#words.load(row + word);
    return sum;
  }

  #see(row: number, now: number): void {
    this.#words.store(row + SEEN, now | 0 || 1);
  }

  #isAlive(row: number, now: number): boolean {
    const seen = this.#words.load(row + SEEN);
    return seen !== 0 && elapsedMs(now, seen) < HANGS_MS;
  }
}

const rowOf = (worker: number): number => (1 + worker) * ROW_WORDS;
