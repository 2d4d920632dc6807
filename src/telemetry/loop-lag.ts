/** Between two looks, in ms: often enough to see a loop that is late, too seldom to cost anything. */
const STEP_MS = 250;

/** Looks four times a second how much later than due this thread's event loop comes to a timer, and tells in ms, by the clock
 *  `now`, how late that was. Holds no process alive. Returns what
 *  ends it. */
export function watchLoopLag(now: () => number, look: (lateMs: number) => void): () => void {
  let due = now() + STEP_MS;
  const timer = setTimeout(() => {
    try {
      look(Math.max(0, now() - due));
    } finally {
      // Whoever looks no more is taken for one that hangs.
      due = now() + STEP_MS;
      timer.refresh();
    }
  }, STEP_MS).unref();
  return () => clearTimeout(timer);
}
