/** A moment as later processes read it, by both clocks. */
export interface Moment {
  /** In ms since the epoch: by a clock that is set now and then. */
  readonly wallTime: number;
  /** In ms, by the monotonic clock that all processes share while the system runs. */
  readonly systemMs: number;
  /** Which start of the system it was; empty where it doesn't tell. */
  readonly boot: string;
}

/** How long it was from one moment to a later one, in ms: by the monotonic clock while the system ran on, so that no clock that was set
 *  meanwhile counts, and by the wall clock over its restart. 0 where that was set back. */
export function elapsedBetween(from: Moment, to: Moment): number {
  // A container may be given a monotonic clock of its own: then it may show less than before.
  const hasRunOn = from.boot !== '' && from.boot === to.boot && to.systemMs >= from.systemMs;
  return hasRunOn ? to.systemMs - from.systemMs : Math.max(0, to.wallTime - from.wallTime);
}
