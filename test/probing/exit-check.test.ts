import test from 'ava';
import type { CheckedExit } from '../../src/admin/check-command.ts';
import type { CheckJournal } from '../../src/probing/check-journal.ts';
import { ExitCheck } from '../../src/probing/exit-check.ts';
import { until } from '../support/until.ts';

test('what the disk refuses for a while is written down later, and no fault of it fails the check', async (t) => {
  const said: string[] = [];
  const written: string[] = [];
  let refused = 0;
  const journal = {
    add: (results: readonly CheckedExit[]) => {
      if (refused < 3) {
        refused += 1;
        throw new Error('full');
      }
      written.push(...results.map(({ exit }) => exit));
    },
    end: () => {
      throw new Error('read only');
    },
  };
  const check = new ExitCheck({
    id: 'x',
    exits: ['aaa', 'bbb'],
    before: [],
    concurrency: 1,
    checkOne: async (exit) => {
      if (exit === 'bbb') await until(() => written.length > 0);
      return { exit, kind: 'ok', sent: 1, received: 1 } as CheckedExit;
    },
    journal: journal as unknown as CheckJournal,
    now: () => 0,
    warn: (line) => said.push(line),
  });
  await until(() => check.isOver);
  await t.notThrowsAsync(check.stop());
  t.deepEqual(written, ['aaa', 'bbb']);
  t.deepEqual(
    said.map((line) => line.split(': ').at(-1)),
    ['full', 'read only'],
    'each is told once',
  );
});
