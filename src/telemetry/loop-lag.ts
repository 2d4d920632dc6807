/** Between two looks, in ms: often enough to see a loop that is late, too seldom to cost anything. */
const STEP_MS = 250;

/** Looks four times a second how much later than due this thread's event loop comes to a timer, and tells `late` in ms, by the clock
 *  `now`. Holds no process alive. */
export function watchLoopLag(now: () => number, late: (ms: number) => void): void {
  let due = now() + STEP_MS;
  const timer = setTimeout(() => {
    late(Math.max(0, now() - due));
    due = now() + STEP_MS;
    timer.refresh();
  }, STEP_MS).unref();
}
