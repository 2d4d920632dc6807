/** Time in shared words: ms of the monotonic clock that all threads share, as 32 bits that wrap after 49 days. */

/** The clocks of two threads differ by less than this, in ms: a time that lies further ahead is one from before the wrap. */
const SKEW_MS = 60_000;

/** How long ago `at` (a word) was, in ms, up to 49 days; 0 for what another thread's clock puts a little ahead. */
export function elapsedMs(now: number, at: number): number {
  const passed = (now - at) >>> 0;
  return passed > 0xffff_ffff - SKEW_MS ? 0 : passed;
}

/** How long it is until `at` (a word), in ms; 0 for a time that has passed, or lies further ahead than `most`, as one does that was
 *  written before the clock wrapped. */
export function remainingMs(now: number, at: number, most: number): number {
  const left = (at - now) | 0;
  return left > 0 && left <= most ? left : 0;
}
