import test from 'ava';
import type { ProbeResult } from '../../src/gateway/probe/probe.ts';
import type { Exit } from '../../src/pool/exit.ts';
import { ProbeLessons } from '../../src/probing/probe-lessons.ts';

test('a probe that fails counts against one of many where its slot stands for many', (t) => {
  const failed: unknown[] = [];
  const selection = {
    providers: { isDown: () => false },
    failed: (...[, how, { ofMany }]: [unknown, string, { ofMany?: boolean }]) => failed.push([how, ofMany]),
  };
  const lessons = new ProbeLessons({ selection: () => selection as never, rows: {} as never, now: () => 7 });
  const result = { kind: 'exit_timeout', stage: 'exit', asked: 'page', ms: 5 } as ProbeResult;
  for (const mint of [null, {}])
    lessons.learn({ at: { slot: 1, generation: 1 }, exit: { mint } as Exit, result, targetKey: 'k' });
  t.deepEqual(failed, [
    ['timed_out', false],
    ['timed_out', true],
  ]);
});
