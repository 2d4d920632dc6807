import { type CounterSnapshot, Counters, type PoolSnapshot, sumCounters, sumPool } from '../telemetry/counters.ts';
import type { Durations } from '../telemetry/durations.ts';
import { type LoopTime, LoopTimes } from './loop-times.ts';

/** What the workers have counted and how their event loops fare, as the control thread reads it: none of them is asked. Figures never
 *  go back: whoever takes a worker's place counts on. */
export class WorkerFigures {
  readonly #counters: readonly Counters[];
  readonly #loops: readonly LoopTimes[];
  readonly #loopOf: (worker: number) => LoopTime | undefined;

  /** `loopOf` tells of the worker that has the place now; undefined where there is none. */
  constructor(counters: SharedArrayBuffer, loopOf: (worker: number) => LoopTime | undefined) {
    this.#counters = Counters.overAll(counters);
    this.#loops = this.#counters.map(() => new LoopTimes());
    this.#loopOf = loopOf;
  }

  /** Of all exchanges. */
  get counters(): CounterSnapshot {
    return sumCounters(this.#counters);
  }

  /** Of the exchanges over the pool of this number; null where it isn't counted by itself. */
  countersOf(pool: number): PoolSnapshot | null {
    return sumPool(this.#counters, pool);
  }

  /** How late the event loop of each worker was, whenever it was looked at. */
  get lags(): readonly Durations[] {
    return this.#counters.map(({ lag }) => lag);
  }

  /** How busy the event loop of each worker was, with those that had its place before. */
  get loops(): readonly LoopTime[] {
    return this.#loops.map((loop, worker) => loop.look(this.#loopOf(worker)));
  }

  /** The worker has ended. */
  ended(worker: number): void {
    this.#loops[worker]?.end();
  }
}
