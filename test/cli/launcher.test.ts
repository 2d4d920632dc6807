import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { run } from '../support/programs.ts';

const launcher = fileURLToPath(new URL('../../src/cli/roundabout.js', import.meta.url));

/** Flags under which Node says it is of another version. */
const as = (version: string) => [
  '--import',
  `data:text/javascript,Object.defineProperty(process, 'version', { value: '${version}' })`,
];

/** The launcher as it is installed, with a compiled program beside it; with `node`, a fit Node in the project around it. */
function install(t: ExecutionContext, program: string, { node = false } = {}): string {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'roundabout-launcher-')));
  t.teardown(() => rmSync(project, { recursive: true }));
  const folder = join(project, 'node_modules', 'roundabout-gateway', 'src', 'cli');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'program.js'), program);
  writeFileSync(join(folder, 'program.ts'), 'throw new Error("types are not stripped here")');
  copyFileSync(launcher, join(folder, 'roundabout.js'));
  mkdirSync(join(project, 'node_modules', '.bin'));
  symlinkSync(join(folder, 'roundabout.js'), join(project, 'node_modules', '.bin', 'roundabout'));
  if (node) symlinkSync(process.execPath, join(project, 'node_modules', '.bin', 'node'));
  return join(project, 'node_modules', '.bin', 'roundabout');
}

const tellVersion = 'export const main = async (args) => (console.log(process.version, ...args), 7);';

test('in a checkout the program runs as it stands', async (t) => {
  const { code, stdout } = await run(process.execPath, [launcher, '--version']);
  t.is(code, 0);
  t.regex(stdout, /^\d+\.\d+\.\d+\n$/);
});

for (const version of ['v22.20.0', 'v24.12.1', 'v26.0.0', 'v30.1.0']) {
  test(`Node ${version} runs the program itself`, async (t) => {
    const { code, stdout } = await run(process.execPath, [...as(version), install(t, tellVersion), 'a', '--b']);
    t.is(stdout, `${version} a --b\n`);
    t.is(code, 7);
  });
}

for (const version of ['v16.20.0', 'v20.19.0', 'v22.19.0', 'v23.11.0', 'v24.11.9', 'v25.9.0']) {
  test(`Node ${version} looks for another, or says what to do`, async (t) => {
    const found = await run(process.execPath, [...as(version), install(t, tellVersion, { node: true }), 'a', '--b']);
    t.is(found.stdout, `${process.version} a --b\n`);
    t.is(found.code, 7);
    const alone = await run(process.execPath, [...as(version), install(t, tellVersion)]);
    t.is(alone.code, 1);
    t.is(alone.stdout, '');
    t.regex(
      alone.stderr,
      new RegExp(`Node ${version} cannot run Roundabout: .*"npm install node" in the project`, 's'),
    );
  });
}

test('in a checkout without a fit Node it is the checkout that brings one', async (t) => {
  const checkout = realpathSync(mkdtempSync(join(tmpdir(), 'roundabout-launcher-')));
  t.teardown(() => rmSync(checkout, { recursive: true }));
  mkdirSync(join(checkout, 'src', 'cli'), { recursive: true });
  writeFileSync(join(checkout, 'package.json'), '{"type":"module"}');
  copyFileSync(launcher, join(checkout, 'src', 'cli', 'roundabout.js'));
  const { code, stderr } = await run(process.execPath, [
    ...as('v20.0.0'),
    join(checkout, 'src', 'cli', 'roundabout.js'),
  ]);
  t.is(code, 1);
  t.true(stderr.includes(`"npm install" in ${checkout}: it brings one along`), stderr);
});

const waitForSignals = `
export const main = () => new Promise((resolve) => {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      console.log(signal);
      if (signal === 'SIGTERM') resolve(5);
    });
  }
  setInterval(() => {}, 1000);
  console.log('ready');
});`;

test('another Node gets the signals, and its exit code is ours', async (t) => {
  const program = install(t, waitForSignals, { node: true });
  const child = spawn(process.execPath, [...as('v20.0.0'), program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  child.stdout.setEncoding('utf8');
  for (const [said, next] of [
    ['ready', 'SIGHUP'],
    ['SIGHUP', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
  ] as const) {
    t.deepEqual(await once(child.stdout, 'data'), [`${said}\n`]);
    child.kill(next);
  }
  t.deepEqual(await exited, [5, null]);
});

test('another Node that is killed takes us along by the same signal', async (t) => {
  const program = install(t, "export const main = () => process.kill(process.pid, 'SIGKILL');", { node: true });
  const { code, signal } = await run(process.execPath, [...as('v20.0.0'), program]);
  t.is(code, null);
  t.is(signal, 'SIGKILL');
});

test('a program that cannot be loaded is told of, not passed over', async (t) => {
  const { code, stderr } = await run(process.execPath, [install(t, 'import "./missing.js";')]);
  t.is(code, 1);
  t.regex(stderr, /^roundabout: .*missing\.js/);
});

test('all that was said reaches a reader that is slower than the program', async (t) => {
  const talkative =
    "export const main = async () => (process.stdout.write('x'.repeat(1e6)), console.error('said'), 7);";
  const child = spawn(process.execPath, [install(t, talkative)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit');
  await once(child.stderr, 'data');
  await Promise.race([exit, sleep(500)]);
  let octets = 0;
  for await (const chunk of child.stdout) octets += chunk.length;
  t.is(octets, 1e6);
  t.deepEqual(await exit, [7, null]);
});

test('a reader that has seen enough keeps no program from its end', async (t) => {
  const talkative = `
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
    export const main = async () => (process.stdout.write('x'.repeat(1e6)), console.error('said'), 7);`;
  const child = spawn(process.execPath, [install(t, talkative)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit');
  await once(child.stderr, 'data');
  child.stdout.destroy();
  t.deepEqual(await exit, [7, null]);
});
