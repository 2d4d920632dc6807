import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { makeProject } from '../cli/project.ts';
import { startGateway } from '../support/gateway.ts';
import { listen } from '../support/peers.ts';

test('a path that a start cannot write to is told with its setting, the reason and the remedy', async (t) => {
  const { folder, command } = makeProject(t, {
    file: '',
    'below.yaml': 'data: ./file/below\n',
    'log.yaml': 'admin: { port: 0 }\naccessLog: { file: ./file/access.log }\n',
    'log-pipe.yaml': 'admin: { port: 0 }\naccessLog: { file: ./pipe }\n',
    'log-folder.yaml': 'admin: { port: 0 }\naccessLog: { file: ./folder }\n',
  });
  mkdirSync(join(folder, 'folder'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
  const faults: readonly (readonly [args: string, told: string, remedy: string])[] = [
    [
      '--data file',
      '--data: file cannot be used: a file stands where a folder must be (EEXIST)',
      'name another path, or move',
    ],
    [
      '--config below.yaml',
      'data: file/below cannot be used: a file stands where a folder must be (ENOTDIR)',
      'name another path, or move',
    ],
    [
      '--config log.yaml',
      'accessLog.file: file/access.log cannot be used: a file stands where a folder must be (EEXIST)',
      'name another path, or move',
    ],
    ['--config log-folder.yaml', 'accessLog.file: folder cannot be used: it is a folder (EISDIR)', 'name a file'],
    [
      '--ready-file nope/ready.json',
      '--ready-file: nope/ready.json cannot be used: its folder does not exist (ENOENT)',
      'make the folder',
    ],
    [
      '--config log-pipe.yaml',
      'accessLog.file: pipe cannot be used: it is a pipe that nobody reads, or a socket (ENXIO)',
      'start what',
    ],
    [
      '--data link/below',
      '--data: link/below cannot be used: link is a link that leads nowhere (EEXIST)',
      'mend the link, or name another path',
    ],
    ['--ready-file folder', '--ready-file: folder is no regular file, and is not replaced', 'name another path'],
  ];
  for (const [args, told, remedy] of faults) {
    const { code, stdout, stderr } = await command('start', ...args.split(' '));
    t.is(code, 1, args);
    const [message = '', advice = ''] = stderr.replaceAll(`${folder}/`, '').split('\n');
    t.is(message, told);
    t.true(advice.startsWith(remedy), advice);
    // No banner, of a gateway that is about to end.
    t.is(stdout, '');
  }
});

test('a ready file that a killed gateway left is gone before the next one serves', async (t) => {
  const taken = await listen(createServer());
  t.teardown(taken.close);
  const listener = { name: 'mixed', host: '127.0.0.1', port: taken.port, protocols: ['http'] };
  const { folder, command } = makeProject(t, {
    'taken.yaml': JSON.stringify({ listeners: [listener], admin: { port: 0 }, defaultPool: 'res', pools: './pools' }),
  });
  const readyFile = join(folder, 'ready.json');
  writeFileSync(readyFile, '{}');
  const { code, stderr } = await command('start', '--config', 'taken.yaml', '--ready-file', readyFile);
  t.is(code, 1);
  t.regex(stderr, /the address is in use/);
  t.false(existsSync(readyFile));
});

test('a start beside a gateway that runs leaves it its ready file', async (t) => {
  const gateway = await startGateway({ pools: { direct: { exits: [{ direct: true }] } } });
  t.teardown(() => gateway.stop());
  const readyFile = join(gateway.folder, 'ready.json');
  const before = readFileSync(readyFile, 'utf8');
  const { code, stderr } = await gateway.command('start', '--ready-file', readyFile);
  t.is(code, 1);
  t.regex(stderr, /another gateway/);
  t.is(readFileSync(readyFile, 'utf8'), before);
});

test('a data folder whose disk is full is told by its path', async (t) => {
  if (!existsSync('/dev/full')) return t.pass('this system has no such device');
  const { folder, command } = makeProject(t);
  mkdirSync(join(folder, 'data'));
  symlinkSync('/dev/full', join(folder, 'data', 'roundabout.pid'));
  const { code, stdout, stderr } = await command('start', '--data', 'data');
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr.replaceAll(folder, ''), /^--data: \/data: the disk is full \(ENOSPC\)\nfree some space/);
});

const inLinux = process.platform === 'linux' ? test : test.skip;

inLinux('a start ends where nothing can be made in a folder, as in /proc', async (t) => {
  const { command } = makeProject(t, { 'log.yaml': 'admin: { port: 0 }\naccessLog: { file: /proc/zz/access.log }\n' });
  const data = await command('start', '--data', '/proc/zz');
  t.is(data.code, 1);
  t.regex(data.stderr, /^--data: \/proc\/zz cannot be used: nothing can be made in its folder \(ENOENT\)/);
  const log = await command('start', '--config', 'log.yaml');
  t.is(log.code, 1);
  t.regex(
    log.stderr,
    /^accessLog\.file: \/proc\/zz\/access\.log cannot be used: nothing can be made in its folder \(ENOENT\)/,
  );
});
