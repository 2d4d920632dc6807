/** Loaded before a program of Node's: on SIGUSR2 each of its threads collects its garbage, so that what is left can be measured. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

setFlagsFromString('--expose-gc');
const gc: (how: object) => void = runInNewContext('gc');
/** As when memory runs out: what isn't needed goes back to the system. */
const collect = () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
const channel = new BroadcastChannel('collect');
channel.unref();
channel.onmessage = collect;
if (isMainThread) {
  process.on('SIGUSR2', () => {
    channel.postMessage(null);
    collect();
  });
}
