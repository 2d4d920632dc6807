/** A monotonic clock in ms that is the same in every thread: `performance.now()` counts from the start of its own. */
export function sharedClock(): () => number {
  const [seconds, nanoseconds] = process.hrtime();
  const offset = seconds * 1000 + nanoseconds / 1e6 - performance.now();
  return () => performance.now() + offset;
}
