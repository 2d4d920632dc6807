import test from 'ava';
import { createReportMemory, ReportLimits } from '../../src/policy/report-limits.ts';

test('each client has its own budget, which comes back with time', (t) => {
  const limits = new ReportLimits({ perClient: 3, windowMs: 3_000 }, createReportMemory(new Uint8Array(32), 64));
  t.is(limits.left('acme', 0), 3);
  t.deepEqual(
    [0, 0, 0].map((now) => limits.take('acme', now)),
    [0, 0, 0],
  );
  t.is(limits.left('acme', 0), 0);
  t.is(limits.take('acme', 0), 1_000);
  t.is(limits.take('other', 0), 0);
  t.is(limits.left('acme', 1_000), 1);
  t.is(limits.take('acme', 1_000), 0);
  t.is(limits.take('acme', 1_000), 1_000, 'a refused report costs nothing');
  t.is(limits.left('acme', 60_000), 3);
});
