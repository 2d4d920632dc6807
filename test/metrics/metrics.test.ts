import test from 'ava';
import { metricsPage } from '../../src/metrics/metrics.ts';
import { LoopTimes } from '../../src/workers/loop-times.ts';
import { parseExposition, totalOf } from '../support/exposition.ts';

test('a gateway that starts tells what it is, and nothing of what it does not know yet', (t) => {
  const page = parseExposition(
    metricsPage({
      running: null,
      relay: { native: null, addon: null, parking: null, waits: null, why: 'not built' },
      log: { dropped: 3, failedWrites: 2 },
      version: '1.2.3',
      reload: 'ok',
      faults: [],
      certificates: [],
      limits: { descriptors: 1_024, connections: 100 },
    }),
  );
  t.is(totalOf(page, 'roundabout_build_info', { version: '1.2.3', relay: 'typescript' }), 1);
  t.is(totalOf(page, 'roundabout_access_log_dropped_lines_total'), 3);
  t.is(totalOf(page, 'roundabout_access_log_failed_writes_total'), 2);
  t.false(page.has('roundabout_exchanges_total'));
  t.false(page.has('roundabout_connections_open'));
});

test('the times of a loop go on where one thread follows another, also while none says anything', (t) => {
  const times = new LoopTimes();
  t.deepEqual(times.look(), { active: 0, idle: 0 });
  t.deepEqual(times.look({ active: 2, idle: 10 }), { active: 2, idle: 10 });
  // It is about to end.
  t.deepEqual(times.look({ active: 0, idle: 0 }), { active: 2, idle: 10 });
  times.end();
  t.deepEqual(times.look(), { active: 2, idle: 10 });
  t.deepEqual(times.look({ active: 1, idle: 1 }), { active: 3, idle: 11 });
  times.end();
  t.deepEqual(times.look({ active: 100, idle: 100 }), { active: 103, idle: 111 });
});
