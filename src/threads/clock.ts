import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Moment } from '../memory/moment.ts';

/** Looks at both clocks. A thread may be made to wait between the two of a look, and most likely is while a gateway starts. */
const LOOKS = 25;

/** A monotonic clock in ms that is the same in every thread: `performance.now()` counts from the start of its own. `system` tells the
 *  time that all threads share, `own` that of this one. */
export function sharedClock(system = systemMs, own = ownMs): () => number {
  // Waiting makes the difference look smaller: the greatest is the truest. What threads differ by, a limit would let pass too early.
  let ahead = Number.NEGATIVE_INFINITY;
  for (let look = 0; look < LOOKS; look++) ahead = Math.max(ahead, system() - own());
  return () => performance.now() + ahead;
}

/** How long the wall clock is taken to go on as it did, in ms: to look at a clock takes as long as several look-ups. */
const WALL_MS = 50;

/** What the wall clock shows at a moment of `now` that has just been, in ms: told of a jump late, by as much. */
export function wallClockBy(now: () => number): (at: number) => number {
  let ahead = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return (at) => {
    if (at - lookedAt >= WALL_MS) {
      lookedAt = now();
      ahead = Date.now() - lookedAt;
    }
    return at + ahead;
  };
}

/** Moments to be read by later processes; `now` is a shared clock. */
export function momentsBy(now: () => number): () => Moment {
  const boot = bootId();
  return () => ({ wallTime: Date.now(), systemMs: now(), boot });
}

/** Which start of the system this is; empty where it doesn't tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function systemMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

const ownMs = (): number => performance.now();
