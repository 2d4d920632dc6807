import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { run } from '../support/programs.ts';
import { launcher, makeProject } from './project.ts';

/** More than a block of 512 octets. */
const longList = Array.from({ length: 200 }, (_, i) => `http://u:hidden@192.0.2.${i + 1}:8000\n`).join('');

test('an answer that finds no room on the disk is a failure, and what was done is told', async (t) => {
  if (!existsSync('/dev/full')) return t.pass('this system has no such device');
  const { folder, command } = makeProject(t);
  const shell = `exec "$0" "${launcher}" "$@" > /dev/full`;
  const added = await run('/bin/sh', ['-c', shell, process.execPath, 'client', 'add', 'acme', '--json'], {
    cwd: folder,
  });
  t.is(added.code, 1, 'a secret that nobody has must not pass for one that somebody has');
  const told = added.stderr.split('\n').find((line) => line.startsWith('{')) ?? '';
  t.like(JSON.parse(told).error, { code: 'full' });
  t.regex(JSON.parse(told).error.remedy, /what the command changed stands; .*"roundabout client rotate"/);
  t.is((await command('client', 'show', 'acme')).code, 0);
});

test('a list of which the disk takes a part is told to be cut', async (t) => {
  const { folder } = makeProject(t, {
    'pools/res.yaml': 'pool: res\ntier: res\nexits: [{ list: lists/res.txt }]\n',
    'pools/lists/res.txt': longList,
  });
  const shell = `ulimit -f 2; exec "$0" "${launcher}" pool export res > out.txt`;
  const { code, stderr } = await run('/bin/sh', ['-c', shell, process.execPath], { cwd: folder });
  t.true(readFileSync(join(folder, 'out.txt'), 'utf8').length < longList.length);
  t.is(code, 1);
  t.regex(stderr, /^error: not all of the answer could be written to standard output/m);
});

test('a reader that has seen enough is no failure', async (t) => {
  const { folder } = makeProject(t);
  const shell = `{ "$0" "${launcher}" pool list --json; echo "$?" >&2; } | true`;
  const { stderr } = await run('/bin/sh', ['-c', shell, process.execPath], { cwd: folder });
  t.regex(stderr, /^0$/m);
});
