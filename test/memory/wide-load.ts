import { parentPort, workerData } from 'node:worker_threads';
import { WideCounts } from '../../src/memory/wide-counts.ts';

/** What a thread is given: to take one by one as long as there is one of `most`; or, where that is 0, to add `by`, and 7 as a whole. */
export interface WideLoad {
  readonly buffer: SharedArrayBuffer;
  readonly rounds: number;
  readonly by: number;
  readonly most: number;
}

const { buffer, rounds, by, most }: WideLoad = workerData;
const counts = WideCounts.over(buffer);
parentPort?.once('message', () => {
  let taken = 0;
  for (let round = 0; round < rounds; round++) {
    if (most > 0) taken += Number(counts.takeOne(2, most));
    else {
      counts.addUp(2, by);
      counts.add(2, 7n);
    }
  }
  parentPort?.postMessage(taken);
});
parentPort?.postMessage('ready');
