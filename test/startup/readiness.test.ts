import test from 'ava';
import { stuckWorkers, unreadyReasons } from '../../src/admin/health.ts';
import { readinessOf } from '../../src/startup/control.ts';
import type { WorkerGroup } from '../../src/workers/worker-group.ts';

/** Workers of which nothing may be asked but this. */
const only = (known: Partial<WorkerGroup>): WorkerGroup =>
  new Proxy(known, {
    get: (target, name) => {
      if (name in target) return Reflect.get(target, name);
      throw new Error(`asked for ${String(name)}`);
    },
  }) as WorkerGroup;

test('whether it is ready is told by phase and listeners alone, however many exits there are', (t) => {
  const bound = [{ name: 'mixed', host: '127.0.0.1', port: 3128 }];
  const ready = readinessOf(only({ phase: 'serving', isFull: false, bound, stuck: [] }));
  t.deepEqual(ready, { status: 'ok', listeners: bound, workers: { stuck: [] } });
  t.deepEqual(unreadyReasons(ready), []);
  const leaving = readinessOf(only({ phase: 'draining', isFull: false, bound, stuck: [1] }));
  t.deepEqual(unreadyReasons(leaving), ['the gateway is draining']);
  t.deepEqual(
    unreadyReasons(readinessOf(null)),
    unreadyReasons({ status: 'starting', listeners: [], workers: { stuck: [] } }),
  );
});

test('one of which a share of the connections waits for ever is not ready', (t) => {
  const bound = [{ name: 'mixed', host: '127.0.0.1', port: 3128 }];
  const reasons = unreadyReasons(readinessOf(only({ phase: 'serving', isFull: false, bound, stuck: [1] })));
  t.deepEqual(reasons, ["worker 2 hangs and can't be ended: its share of new connections waits until a restart"]);
});

test('a gateway that was started before an upgrade may tell nothing of workers that hang', (t) => {
  t.deepEqual(stuckWorkers({ workers: {} }), []);
  t.is(stuckWorkers({ workers: { stuck: [0, 1] } }).length, 2);
});
