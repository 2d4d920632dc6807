import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { readPoolFolder } from '../../src/config/pool-folder.ts';
import { placedSources } from '../../src/pool/placed-source.ts';
import { copyPath } from '../../src/store/list-copies.ts';
import { makeProject } from './project.ts';

const LINE = 'http://user:hidden@192.0.2.1:8080|country=de\n';

test('an export is written to a pipe that stands at its path, and replaces the target of a link', async (t) => {
  const { folder, command } = makeProject(t, { 'kept/list.txt': 'old\n' });
  const pipe = join(folder, 'pipe');
  await once(spawn('mkfifo', [pipe]), 'close');
  const reading = readFile(pipe, 'utf8');
  const piped = await command('pool', 'export', 'res', '--file', 'pipe');
  // Looked at first: where the pipe was replaced nobody ever writes to what is read.
  t.true(lstatSync(pipe).isFIFO());
  t.is(await reading, LINE);
  t.deepEqual([piped.code, piped.stdout, piped.stderr], [0, '', '1 exit written to pipe\n']);

  symlinkSync('kept/list.txt', join(folder, 'link'));
  t.is((await command('pool', 'export', 'res', '--file', 'link')).code, 0);
  t.true(lstatSync(join(folder, 'link')).isSymbolicLink());
  t.is(readFileSync(join(folder, 'kept/list.txt'), 'utf8'), LINE);
  t.deepEqual(readdirSync(join(folder, 'kept')), ['list.txt']);
});

test('an export makes no folder, and replaces neither a folder nor a link that leads nowhere', async (t) => {
  const { folder, command } = makeProject(t);
  const missing = await command('pool', 'export', 'res', '--file', 'tpyo/list.txt');
  t.is(missing.code, 2);
  t.is(missing.stderr, 'error: --file: there is no folder tpyo\n  make it first, or mend the path\n');
  t.false(existsSync(join(folder, 'tpyo')));

  mkdirSync(join(folder, 'standing'));
  t.regex(
    (await command('pool', 'export', 'res', '--file', 'standing')).stderr,
    /standing cannot be written \(EISDIR\)/,
  );
  symlinkSync('gone/list.txt', join(folder, 'link'));
  t.regex((await command('pool', 'export', 'res', '--file', 'link')).stderr, /link: it is a link that leads nowhere/);
  t.true(lstatSync(join(folder, 'link')).isSymbolicLink());
});

test('of a pool whose files name no exits no list is written, and that is said', async (t) => {
  const demo = 'pool: demo\ntier: res\nexits: [{ demo: { http: 1, https: 0, socks5: 0 } }]\n';
  const direct = 'pool: direct\nexits: [{ direct: true }]\n';
  const { folder, command } = makeProject(t, { 'pools/demo.yaml': demo, 'pools/direct.yaml': direct });
  const none = await command('pool', 'export', 'demo', '--file', 'list.txt');
  t.is(none.code, 1);
  t.is(
    none.stderr,
    'nothing is written: pool demo has no exits that a list can hold: those of the demo stand in no file, and end with the gateway\n',
  );
  t.false(existsSync(join(folder, 'list.txt')));
  const left = await command('pool', 'export', 'direct', '--format', 'json');
  t.is(left.stdout, '');
  t.regex(left.stderr, /^nothing is written: pool direct has no exits that a list can hold\nleft out: 1 direct exit/);
});

test('a list that is no regular file is not replaced by an import', async (t) => {
  const { folder, commandWith } = makeProject(t);
  mkdirSync(join(folder, 'pools/lists'));
  symlinkSync('gone.txt', join(folder, 'pools/lists/res.txt'));
  const refused = await commandWith('a:1\n', 'pool', 'import', 'res', '-', '--yes');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /res\.txt: it is a link that leads nowhere, which is not replaced\n {2}move it away/);
  t.deepEqual(readdirSync(join(folder, 'pools/lists')), ['res.txt']);
  writeFileSync(join(folder, 'pools/lists/gone.txt'), '');
  t.is((await commandWith('a:1\n', 'pool', 'import', 'res', '-', '--yes')).code, 0);
});

test('exits of lists that are fetched are those of the data folder that is named', async (t) => {
  const { folder, command } = makeProject(t, {
    'pools/res.yaml': 'pool: res\ntier: res\nexits: [{ list: "https://vendor.example/list" }]\n',
  });
  const { files } = readPoolFolder(join(folder, 'pools'), { variables: { env: {} } });
  const [source] = files.flatMap(placedSources);
  const copy = copyPath(join(folder, 'kept'), source?.key ?? '');
  mkdirSync(dirname(copy), { recursive: true });
  writeFileSync(copy, LINE);
  t.is((await command('pool', 'export', 'res', '--data', 'kept')).stdout, LINE);
  const [exit] = JSON.parse((await command('exit', 'list', '--json', '--data', 'kept')).stdout);
  t.like(exit, { pool: 'res', country: 'de' });
  t.is((await command('pool', 'export', 'res')).code, 1, 'the folder of the config has none');
});
