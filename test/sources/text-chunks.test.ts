import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { textChunks } from '../../src/sources/text-chunks.ts';

test('a file is read whole, and what is none is told of at once', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-chunks-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [file, pipe] = [join(folder, 'list.txt'), join(folder, 'pipe')];
  const text = 'ä'.repeat(100_000);
  writeFileSync(file, text);
  t.is([...textChunks(file)].join(''), text);
  // Nobody writes into it: whoever waited for that would wait for ever.
  execFileSync('mkfifo', [pipe]);
  for (const none of [pipe, folder]) t.throws(() => textChunks(none), { code: 'no regular file' });
  t.throws(() => textChunks(join(folder, 'gone')), { code: 'ENOENT' });
});
