import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { CheckedExit } from '../../src/admin/check-command.ts';
import { faultOf } from '../../src/admin/command-error.ts';
import { CheckJournal } from '../../src/probing/check-journal.ts';
import { run } from '../support/programs.ts';

function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-journal-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a disk that is full is told as that', (t) => {
  if (!existsSync('/dev/full')) return t.pass('this system has no such device');
  const folder = makeFolder(t);
  symlinkSync('/dev/full', join(folder, 'check.journal'));
  const fault = t.throws(() => new CheckJournal(folder).begin({}, '2026-11-29T00:00:00.000Z'));
  t.like(faultOf(fault), { code: 'full', message: 'the disk is full (ENOSPC)' });
});

test('of results that find no room none is written', async (t) => {
  const folder = makeFolder(t);
  const journal = new CheckJournal(folder);
  journal.begin({}, '2026-11-29T00:00:00.000Z');
  const script = `import { CheckJournal } from ${JSON.stringify(new URL('../../src/probing/check-journal.ts', import.meta.url))};
    const results = Array.from({ length: 100 }, (_, index) => ({ exit: String(index), endpoint: 'http://192.0.2.1:8080' }));
    new CheckJournal(${JSON.stringify(folder)}).add(results);`;
  const shell = 'ulimit -f 2; exec "$0" --input-type=module -e "$1"';
  const { stderr } = await run('/bin/sh', ['-c', shell, process.execPath, script]);
  t.regex(stderr, /EFBIG/);
  t.deepEqual(journal.read()?.results, []);
  t.notThrows(() => journal.add([{ exit: 'aaa' } as CheckedExit]));
  t.deepEqual(journal.read()?.results, [{ exit: 'aaa' }]);
});
