// A program: a thread makes garbage, and rests. V8 says on standard output what it does about that. With `less` it is to
// collect less.
import { setFlagsFromString } from 'node:v8';
import { isMainThread, Worker } from 'node:worker_threads';
import { setEngineFlags } from '../../src/workers/engine-flags.ts';

const REST_MS = 500;

function makeGarbage(): void {
  for (let round = 0; round < 6; round++) {
    const kept: object[] = [];
    for (let i = 0; i < 300_000; i++) kept.push({ round, of: [i] });
  }
}

if (isMainThread) {
  if (process.argv[2] === 'less') setEngineFlags();
  for (const flag of [
    '--trace-memory-reducer',
    '--memory-reducer-delay-ms=50',
    '--gc-memory-reducer-start-delay-ms=50',
  ])
    setFlagsFromString(flag);
  new Worker(new URL(import.meta.url));
} else {
  makeGarbage();
  const { gc } = globalThis;
  setTimeout(() => console.log(gc === undefined ? 'rested' : 'rested, and can collect'), REST_MS);
}
