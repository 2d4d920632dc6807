import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { commandOutput } from '../../src/sources/command-output.ts';
import { SourceFailure } from '../../src/sources/source-failure.ts';

const source = fileURLToPath(new URL('../../src/sources/command-output.ts', import.meta.url));

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-command-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function outputOf(t: ExecutionContext, argv: readonly string[]): Promise<string> {
  const options = { folder: folderOf(t), env: process.env, signal: AbortSignal.timeout(60_000) };
  const chunks: Uint8Array[] = [];
  for await (const chunk of commandOutput({ kind: 'command', argv, env: { GIVEN: 'yes' } }, options))
    chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a program gets its words as they are, its variables, and nothing to read', async (t) => {
  const words = ['', '$(id)', "it's", 'a b', '*', '-n'];
  // No pipe beside `ls`: the shell would still hold an end of it. What follows keeps the shell from becoming `ls`.
  const script = 'printf "[%s]" "$@"; printf "%s\\n" "$GIVEN"; cat; ls /proc/$$/fd; exit';
  const said = await outputOf(t, ['sh', '-c', script, 'sh', ...words]);
  const [first, ...descriptors] = said.split('\n').filter((line) => line !== '');
  t.is(first, `${words.map((word) => `[${word}]`).join('')}yes`);
  t.deepEqual(descriptors.slice(0, 3), ['0', '1', '2']);
  t.false(descriptors.includes('3') || descriptors.includes('4'), said);
});

test('how a program ends is told', async (t) => {
  const ends: readonly [argv: readonly string[], said: RegExp][] = [
    [['sh', '-c', 'exit 3'], /^it ended with code 3$/],
    [['sh', '-c', 'kill -TERM $$'], /^it was ended by SIGTERM$/],
    [['./not-there'], /^it cannot be run/],
    [[source], /^it cannot be run \(EACCES\)$/],
  ];
  for (const [argv, said] of ends) {
    const fault = await t.throwsAsync(outputOf(t, argv));
    t.regex(fault?.message ?? '', said, argv.join(' '));
  }
});

test('what a program says last of its failure is kept, without what its variables hold', async (t) => {
  const secret = 's3cret-of/the vendor';
  const lastOf = async (script: string, env: Record<string, string> = { KEY: secret }) => {
    const options = { folder: folderOf(t), env: process.env, signal: AbortSignal.timeout(60_000) };
    const output = commandOutput({ kind: 'command', argv: ['sh', '-c', script], env }, options);
    const read = async () => {
      for await (const _ of output);
    };
    const fault = await t.throwsAsync(read(), { instanceOf: SourceFailure });
    return fault?.failure.said;
  };
  t.is(await lastOf('exit 1'), null);
  t.is(
    await lastOf('echo first >&2; echo "the key is no longer valid" >&2; printf "\\n \\n" >&2; exit 1'),
    'the key is no longer valid',
  );
  t.is(
    await lastOf('printf "\\033[31mcoloured\\033[0m\\007, and without an end" >&2; exit 1'),
    'coloured, and without an end',
  );
  t.is(await lastOf('printf "10 %%\\r20 %%\\r" >&2; kill -TERM $$'), '20 %');
  t.is(await lastOf('echo "no such key: $KEY" >&2; exit 1'), 'no such key: …');
  t.is(
    await lastOf('echo "GET https://me:x@vendor.example/list?key=other: 403" >&2; exit 1'),
    'GET https://vendor.example/… 403',
  );
  t.is(await lastOf('echo "second line: two-of-it" >&2; exit 1', { KEY: 'one-of-it\ntwo-of-it' }), 'second line: …');
  t.is(await lastOf('echo "still here" >&2; sleep 300 >/dev/null & exit 1'), 'still here');
  const long = await lastOf('yes "$KEY" | head -c 90000 | tr "\\n" , >&2; exit 1', { KEY: 'x'.repeat(1_000) });
  t.regex(long ?? '', /^[…,]+$/);
  t.is((await lastOf('yes abc | head -c 90000000 | tr "\\n" " " >&2; exit 1'))?.length, 201);
});

test('a program ends with whoever runs it, even by a kill', async (t) => {
  const folder = folderOf(t);
  const pidFile = join(folder, 'pid');
  const argv = ['sh', '-c', 'echo $$ > pid.new; mv pid.new pid; while :; do sleep 300; done'];
  const script = `import { commandOutput } from ${JSON.stringify(source)};
    const options = { folder: ${JSON.stringify(folder)}, env: process.env, signal: new AbortController().signal };
    for await (const _ of commandOutput(${JSON.stringify({ kind: 'command', argv, env: {} })}, options));`;
  const runner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  t.teardown(() => runner.kill('SIGKILL'));
  const pidOf = () => readFile(pidFile, 'utf8').then(Number, () => 0);
  for (let i = 0; i < 600 && (await pidOf()) === 0; i += 1) await rest(50);
  const pid = await pidOf();
  t.true(pid > 0 && isAlive(pid));
  runner.kill('SIGKILL');
  await once(runner, 'exit');
  for (let i = 0; i < 600 && isAlive(pid); i += 1) await rest(50);
  t.false(isAlive(pid));
});
