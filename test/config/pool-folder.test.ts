import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { formatFault } from '../../src/config/fault.ts';
import { readPoolFolder } from '../../src/config/pool-folder.ts';

function folderOf(t: ExecutionContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const variables = { env: { PASSWORD: 'hunter2' } };

test('every *.yaml of a folder is a pool, by name; variables are replaced', (t) => {
  const folder = folderOf(t, {
    'b.yaml': 'pool: b\nexits: [{ url: "http://u:\u0024{PASSWORD}@h:1" }]',
    'a.yaml': 'pool: a\nexits: [{ direct: true }]',
    'list.txt': 'h:1',
    '.c.yaml': '-',
  });
  mkdirSync(join(folder, 'lists'));
  const { files, faults, warnings } = readPoolFolder(folder, { variables });
  t.deepEqual([faults, warnings], [[], []]);
  t.deepEqual(
    files.map(({ name }) => name),
    ['a', 'b'],
  );
  t.like(files[1]?.entries[0], { url: 'http://u:hunter2@h:1' });
});

test('faults of all files come in one report, without values', (t) => {
  const folder = folderOf(t, {
    'a.yaml': 'pool: a\nexits: [{ url: "http://u:\u0024{GONE}@h:1" }]',
    'b.yaml': 'pool: b\ntier: \u0024{PASSWORD}\nexits: [{ url: hunter2, verify: hunter2 }]',
  });
  const { files, faults } = readPoolFolder(folder, { variables });
  t.deepEqual(files, []);
  t.deepEqual(
    faults.map((fault) => formatFault(fault).replace(`${folder}/`, '')),
    [
      'a.yaml:2:16 exits[0].url \u0024{GONE} is neither in the environment nor in the secrets file',
      'b.yaml:2:7 tier expected one of dc, isp, res, mobile',
      'b.yaml:3:33 exits[0].verify expected true or false, found a text',
    ],
  );
});

test('an empty pool and a file that is not read are warned of', (t) => {
  const folder = folderOf(t, {
    'a.yaml': 'pool: a\nstrategy: learned\nexits: []',
    'b.yml': '',
    'C.YAML': '',
    'd.Yml': '',
  });
  const { faults, warnings } = readPoolFolder(folder, { variables });
  t.deepEqual(faults, []);
  t.deepEqual(
    warnings.map((warning) => formatFault(warning).replace(`${folder}/`, '')),
    [
      'C.YAML:1:1 is not read: pool files end in .yaml',
      'b.yml:1:1 is not read: pool files end in .yaml',
      'd.Yml:1:1 is not read: pool files end in .yaml',
      'a.yaml:3:8 exits the pool has no exits',
    ],
  );
});

test('a folder that is missing has no pools; one that cannot be read is a fault', (t) => {
  const missing = readPoolFolder('/nowhere/pools', { variables });
  t.deepEqual([missing.files, missing.faults, missing.warnings.length], [[], [], 1]);
  const closed = readPoolFolder('/closed', {
    variables,
    listNames: () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' });
    },
  });
  t.deepEqual(closed.faults.map(formatFault), ['/closed:1:1 cannot be read (EACCES)']);
});
