import test from 'ava';
import { ECHO_MS, listenToSignals } from '../../src/startup/process-signals.ts';

test.serial('what follows a signal at once is its echo, also of the other kind', (t) => {
  let [now, stops, reloads] = [1_000, 0, 0];
  const unlisten = listenToSignals({
    stop: () => stops++,
    reload: () => reloads++,
    survive: () => {},
    now: () => now,
  });
  t.teardown(unlisten);
  const send = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', afterMs: number) => {
    now += afterMs;
    process.emit(signal, signal);
    return stops;
  };
  t.is(send('SIGINT', 0), 1);
  t.is(send('SIGINT', ECHO_MS - 1), 1);
  t.is(send('SIGTERM', 1), 2);
  t.is(send('SIGINT', 1), 2);
  t.is(send('SIGINT', ECHO_MS), 3);
  send('SIGHUP', 0);
  send('SIGHUP', 0);
  t.is(reloads, 2);
});
