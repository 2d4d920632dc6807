import { setFlagsFromString } from 'node:v8';

/** Has the threads that are started from now on keep what V8 has compiled of them while they rest. It would collect 8 s after the last
 *  exchange as if memory were short: with the last object of a shape goes all code that was compiled for it, and what wasn't
 *  called for a while loses its bytecode. Whoever came next paid for that: the first half second of a burst took four times the
 *  CPU for each CONNECT. What a burst leaves behind stays until there is as much again, as it does under load. */
export function keepCompiledCode(): void {
  setFlagsFromString('--no-memory-reducer');
  setFlagsFromString('--no-flush-bytecode');
}
