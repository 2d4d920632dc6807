import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import test from 'ava';
import { letBackgroundThreadsGiveWay } from '../../src/startup/background-threads.ts';

test("V8's own threads give way, and no others", (t) => {
  const before = getPriority();
  const count = letBackgroundThreadsGiveWay();
  t.is(getPriority(), before);
  if (process.platform !== 'linux') return t.is(count, 0);
  const background = readdirSync('/proc/self/task').filter((id) =>
    readFileSync(`/proc/self/task/${id}/comm`, 'utf8').includes('V8Worker'),
  );
  t.is(count, background.length);
  for (const id of background) t.is(getPriority(Number(id)), 10);
});
