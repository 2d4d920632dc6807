import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CommandError } from '../../src/admin/command-error.ts';
import { askGateway } from '../../src/cli/control-client.ts';

/** What is told of a gateway that does this with a connection over which it was asked. */
async function faultOf(t: ExecutionContext, act: (socket: Socket) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-control-'));
  const path = join(folder, 'sock');
  const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => act(socket)));
  await new Promise<void>((listening) => server.listen(path, listening));
  t.teardown(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const fault = await t.throwsAsync(askGateway(path, { command: 'client.add', args: {} }, 200));
  t.true(fault instanceof CommandError);
  return fault as CommandError;
}

test('a gateway that gives no answer may still have done what it was asked, and that is told', async (t) => {
  const silent = await faultOf(t, () => {});
  t.like(silent, { code: 'not_answering' });
  t.regex(silent.message, /did not answer in time$/);
  const left = await faultOf(t, (socket) => socket.end());
  t.regex(left.message, /broke off$/);
  for (const { remedy } of [silent, left]) t.regex(remedy, /a change that was asked for may still be made$/);
});

test('where nobody listens there is no gateway', async (t) => {
  t.is(await askGateway(join(tmpdir(), 'no-such-folder', 'sock'), { command: 'health', args: {} }), null);
});
