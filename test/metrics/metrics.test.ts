import test from 'ava';
import { metricsPage } from '../../src/metrics/metrics.ts';
import { sourceFamilies } from '../../src/metrics/source-metrics.ts';
import { exposition } from '../../src/telemetry/exposition.ts';
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
      sources: [],
      limits: { descriptors: 1_024, connections: 100 },
    }),
  );
  t.is(totalOf(page, 'roundabout_build_info', { version: '1.2.3', relay: 'typescript' }), 1);
  t.is(totalOf(page, 'roundabout_access_log_dropped_lines_total'), 3);
  t.is(totalOf(page, 'roundabout_access_log_failed_writes_total'), 2);
  t.false(page.has('roundabout_exchanges_total'));
  t.false(page.has('roundabout_connections_open'));
});

test('sources that read alike are told apart, and of one that was never had no time is told', (t) => {
  const view = { pool: 'p', source: 'api https://vendor.example/…', exits: null, nextMs: 0, failures: 0 };
  const never = { ...view, hasCopy: false, ageMs: null, failure: null, failingSince: null };
  const had = { ...view, hasCopy: true, ageMs: 60_000, failure: null, failingSince: null };
  const failing = { ...had, failure: 'it answered 500', failingSince: '2026-01-01T00:00:00.000Z', failures: 7 };
  const page = parseExposition(exposition(sourceFamilies([never, had, failing], 1_000_000)));
  const [first, second, third] = ['', ' 2', ' 3'].map((number) => ({ pool: 'p', source: `${view.source}${number}` }));
  t.is(page.get('roundabout_source_up')?.samples.length, 2);
  t.is(totalOf(page, 'roundabout_source_up', second), 1);
  t.is(totalOf(page, 'roundabout_source_up', third), 0);
  t.is(page.get('roundabout_source_last_success_time_seconds')?.samples.length, 2);
  t.is(totalOf(page, 'roundabout_source_last_success_time_seconds', third), 940);
  t.is(totalOf(page, 'roundabout_source_failures_total', first), 0);
  t.is(totalOf(page, 'roundabout_source_failures_total', third), 7);
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
