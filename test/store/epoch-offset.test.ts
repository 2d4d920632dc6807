import { rmSync } from 'node:fs';
import test from 'ava';
import { openStore } from '../../src/store/database.ts';
import { keptEpochOffset } from '../../src/store/epoch-offset.ts';
import { temporaryFolder } from './folder.ts';

test('seconds go on as they began while the system runs, and by the wall clock after its restart', (t) => {
  const folder = temporaryFolder(t);
  const offsetAt = (wallTime: number, systemMs: number, boot: string) => {
    const store = openStore(folder, { now: () => wallTime });
    try {
      return keptEpochOffset(store, { wallTime, systemMs, boot });
    } finally {
      store.close();
    }
  };
  t.is(offsetAt(1_000_000, 40_500, 'one'), 959);
  t.is(offsetAt(9_000_000, 50_000, 'one'), 959, 'the clock was set');
  t.is(offsetAt(9_000_000, 1_000, 'two'), 8_999);
  t.is(offsetAt(1_000, 2_000, 'two'), 8_999);
  t.is(offsetAt(5_000, 2_000, ''), 3, 'nobody knows');
});

test('where it cannot be noted the start goes on', (t) => {
  const store = openStore(temporaryFolder(t), { now: () => 0 });
  t.teardown(() => store.close());
  rmSync(store.path);
  t.is(keptEpochOffset(store, { wallTime: 5_000, systemMs: 2_000, boot: 'one' }), 3);
});
