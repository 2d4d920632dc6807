import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { copyPath, ListCopies } from '../../src/store/list-copies.ts';
import { StoreError } from '../../src/store/store-error.ts';

test('a copy of which the facts could not be written is of unknown age, not of the former one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-copies-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const copies = new ListCopies(folder);
  const facts = (digest: string) => ({
    definition: 'd',
    digest,
    etag: `"${digest}"`,
    lastModified: null,
    confirmedAt: 1,
    exits: 1,
  });
  const take = (text: string) => {
    const draft = copies.draft('key');
    writeFileSync(draft, text);
    copies.take('key', { draft, facts: facts(text) });
  };
  take('one');
  t.is(copies.facts('key')?.etag, '"one"');
  // As if the process had ended behind the copy.
  mkdirSync(join(folder, 'sources', 'key.json.new'));
  t.throws(() => take('two'), { instanceOf: StoreError });
  t.is(readFileSync(copyPath(folder, 'key'), 'utf8'), 'two');
  t.true(copies.has('key'));
  t.is(copies.facts('key'), null);
});
