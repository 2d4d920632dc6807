import { once } from 'node:events';
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { NativeRelay } from '../../src/transport/native-relay.ts';
import { loadRelayBinding } from '../../src/transport/relay-binding.ts';

/** A thread that hands a tunnel between two connections of the given port to the native relay, says so, and waits for its end.
 *  Before that it tells which calls of a relay that was not opened are refused. */
async function main(port: number): Promise<void> {
  const loaded = loadRelayBinding();
  if ('why' in loaded) throw new Error(loaded.why);
  const { binding } = loaded;
  const numbers = new Float64Array(16);
  const early: (() => unknown)[] = [
    () => binding.adopt(0, 1, undefined, undefined, undefined, 0, 0, 0, 0, 0, false, 0),
    () => binding.cut(1),
    () => binding.renew(1, 1),
    () => binding.counts(1, numbers),
    () => binding.drain(numbers),
    () => binding.stats(numbers),
    () => binding.hold(true),
  ];
  const refused = early.filter((call) => {
    try {
      call();
      return false;
    } catch {
      return true;
    }
  });
  const native = new NativeRelay({ binding, isHeir: false, threads: 1, pipes: 8 });
  const a = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(a, 'connect');
  const b = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(b, 'connect');
  const options = { now: () => performance.now(), idleMs: 60_000, owner: { onEnd: () => {} } };
  const { handle } = native.relay(a, b, options);
  parentPort?.postMessage({ handle, tunnels: native.size, refused: refused.length, of: early.length });
}

await main(workerData);
