import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { faultOf } from '../../src/admin/command-error.ts';
import { CheckJournal } from '../../src/probing/check-journal.ts';

test('a disk that is full is told as that', (t) => {
  if (!existsSync('/dev/full')) return t.pass('this system has no such device');
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-journal-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  symlinkSync('/dev/full', join(folder, 'check.journal'));
  const fault = t.throws(() => new CheckJournal(folder).begin({}, '2026-11-29T00:00:00.000Z'));
  t.like(faultOf(fault), { code: 'full', message: 'the disk is full (ENOSPC)' });
});
