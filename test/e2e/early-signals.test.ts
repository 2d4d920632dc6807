import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { launcher, makeProject } from '../cli/project.ts';
import { open } from '../support/clients.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

// Signals that come when the first listener is bound, and not all of the gateway stands.

/** A gateway that begins to accept connections, and what it says. */
async function startAccepting(t: ExecutionContext) {
  const port = await freePort();
  const listener = { name: 'mixed', host: '127.0.0.1', port, protocols: ['http'] };
  // With several workers the others bind after the first.
  const config = { listeners: [listener], admin: { host: '127.0.0.1', port: 0 }, workers: 4, defaultPool: 'res' };
  const { folder } = makeProject(t, { 'roundabout.yaml': JSON.stringify({ ...config, pools: './pools' }) });
  const readyFile = join(folder, 'ready.json');
  const args = [launcher, 'start', '--config', 'roundabout.yaml', '--ready-file', readyFile];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const exited: Promise<[number | null, string | null]> = once(child, 'exit') as never;
  const accepts = () =>
    open(port).then(
      (socket) => Boolean(socket.destroy()),
      () => false,
    );
  await until(accepts, 'it accepts');
  if (existsSync(readyFile)) t.log('all of it stood before it was seen to accept');
  return { child, exited, said: () => said, isReady: () => existsSync(readyFile) };
}

const isRunning = ({ exitCode, signalCode }: ChildProcess) => exitCode === null && signalCode === null;

test.serial('a reload that is asked for while it starts comes once it stands', async (t) => {
  const { child, exited, said, isReady } = await startAccepting(t);
  child.kill('SIGHUP');
  await until(() => !isRunning(child) || said().includes('are read again'));
  t.true(isRunning(child), said());
  t.true(isReady());
  child.kill('SIGTERM');
  t.deepEqual(await exited, [0, null]);
});

test.serial('a stop that is asked for while it starts drains once it stands', async (t) => {
  const { child, exited, said, isReady } = await startAccepting(t);
  child.kill('SIGTERM');
  t.deepEqual(await exited, [0, null]);
  t.regex(said(), /draining: /);
  t.false(isReady());
});
