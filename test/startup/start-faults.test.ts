import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeProject } from '../cli/project.ts';

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
