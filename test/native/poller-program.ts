import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import { parentPort } from 'node:worker_threads';
import { EVENT_FIELDS, pollBit } from '../../src/transport/poller-binding.ts';
import { loadRelayBinding } from '../../src/transport/relay-binding.ts';

/** A thread or process with a listener over the poller, for what must not happen in a test's own. The first argument says how it goes
 *  on; it tells its port, and what it accepts, to its parent. */

const loaded = loadRelayBinding();
if ('why' in loaded) throw new Error(loaded.why);
const { binding } = loaded;
const events = new Float64Array(64 * EVENT_FIELDS);
const [way = '', wanted = '0'] = process.argv.slice(2);
const open: number[] = [];

/** What is done about a client's first octets. */
const answers: Record<string, (handle: number) => void> = {
  terminate: () => parentPort?.postMessage('heard'),
  exit: () => process.exit(3),
  throw: () => {
    throw new Error('on purpose');
  },
  busy: () => {
    parentPort?.postMessage('heard');
    for (;;);
  },
  shares: (handle) => {
    binding.pollWrite(handle, Buffer.from('y'));
    parentPort?.postMessage('served');
  },
  closes: () => {
    for (const handle of [...open, listener]) binding.pollClose(handle, false);
  },
  'exit-in-event': () => process.exit(7),
  exhausted: (handle) => void binding.pollWrite(handle, Buffer.from('served')),
};

function dispatch(count: number): void {
  for (let at = 0; at < count * EVENT_FIELDS; at += EVENT_FIELDS) {
    const [handle = 0, bits = 0, value = 0] = events.subarray(at);
    if ((bits & pollBit.accepted) !== 0) {
      open.push(value);
      if (way === 'shares') answers['shares']?.(value);
    } else if ((bits & pollBit.readable) !== 0 && open.includes(handle)) answers[way]?.(handle);
  }
}

binding.pollOpen(dispatch, events, Buffer.alloc(1024));
const listener = binding.pollListen('127.0.0.1', Number(wanted), way === 'shares', 64);
if (listener < 0) throw new Error(`listen: ${listener}`);
const port = Number(binding.pollEnds(listener).split(' ')[1]);
parentPort?.postMessage(port);

const dial = (): net.Socket => net.connect({ port, host: '127.0.0.1' }).on('error', () => {});

/** Takes every descriptor but one, which the client gets: none is left to accept it with. */
function exhaust(): void {
  const taken: number[] = [];
  const outer = dial();
  outer.destroy();
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    closeSync(taken.pop()!);
  }
  dial()
    .resume()
    .on('close', () => {
      for (const descriptor of taken) closeSync(descriptor);
      const next = dial();
      next.write('x');
      next.on('data', (octets) => {
        process.stdout.write(`ended ${octets}\n`, () => process.exit(0));
      });
    });
}

if (way === 'exhausted') setTimeout(exhaust, 0);
if (parentPort === null && way !== 'exhausted') dial().resume().end('x');
