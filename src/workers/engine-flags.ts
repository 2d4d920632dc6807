import { setFlagsFromString } from 'node:v8';

/** Flags of V8 by which it collects less.
 *
 *  A thread that rests: V8 would collect 8 s after it came to rest as if memory were short, and with the last object of a shape goes all
 *  code that was compiled for it, and what wasn't called for a while loses its bytecode (in this thread, too, it doesn't any more).
 *  Whoever came next paid for that: the first half second of a burst took four times the CPU for each CONNECT. What a burst leaves
 *  behind stays until there is as much again, or memory is short: see `Garbage`.
 *
 *  A thread whose old objects hardly grow: V8 would begin to mark them once they may grow by no more than all new objects take. The
 *  control thread's never may grow by more, so under load it was marked whole every 1.4 s, by two threads, for 3 % of all CPU. Of what
 *  they may grow by it now marks from 60 % on beside other work, and from 80 % on at once. */
const collectLess = [
  '--no-memory-reducer',
  '--no-flush-bytecode',
  '--expose-gc',
  '--incremental-marking-soft-trigger=60',
  '--incremental-marking-hard-trigger=80',
];

/** Flags by which V8 puts more of what a function calls into its compiled code, by octets of bytecode (920 in all and 30 for what is
 *  always worth it, up to 4,600, if left to it). An exchange passes hundreds of small functions, and each is called but a few times: a
 *  forwarded request takes .94 × the CPU, a CONNECT .97. Twice as much in all is worse, and half of it gains half as much. */
const inlineMore = [
  '--max-inlined-bytecode-size-cumulative=4000',
  '--max-inlined-bytecode-size-small=60',
  '--max-inlined-bytecode-size-absolute=12000',
];

/** Both. */
export const engineFlags: readonly string[] = [...collectLess, ...inlineMore];

/** Sets them for all threads of the process; to be called before those are started that shall go by them. */
export function setEngineFlags(): void {
  for (const flag of engineFlags) setFlagsFromString(flag);
}
