import { once } from 'node:events';
import { existsSync, linkSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Commands } from '../../src/admin/command.ts';
import { CommandError } from '../../src/admin/command-error.ts';
import { type ControlReply, controlPath, REQUEST_LIMIT } from '../../src/admin/control-protocol.ts';
import { serveControl } from '../../src/admin/control-server.ts';
import { askGateway } from '../../src/cli/control-client.ts';

const commands: Commands = new Map([
  ['echo', (args: unknown) => args],
  [
    'fail',
    () => {
      throw new CommandError({ code: 'not_found', message: 'nothing', remedy: 'look' });
    },
  ],
  [
    'break',
    () => {
      throw new TypeError('broken');
    },
  ],
]);

function makePath(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-control-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return controlPath(folder);
}

async function serve(t: ExecutionContext, options?: { deadlineMs: number }): Promise<string> {
  const path = makePath(t);
  const server = await serveControl(path, commands, options);
  t.teardown(() => server.close());
  return path;
}

/** Writes octets as they stand and reads until the server closes. */
async function sendRaw(path: string, octets: string | Buffer, { end = false } = {}): Promise<string> {
  const socket = connect(path);
  let reply = '';
  socket.on('data', (chunk) => {
    reply += chunk;
  });
  socket.on('error', () => {});
  if (end) socket.end(octets);
  else socket.write(octets);
  await once(socket, 'close');
  return reply;
}

test('a command is answered, and its error told', async (t) => {
  const path = await serve(t);
  const args = { text: 'ä\u2028"', list: [1, null] };
  t.deepEqual(await askGateway(path, { command: 'echo', args }), { ok: true, result: args });
  t.deepEqual(await askGateway(path, { command: 'fail', args: {} }), {
    ok: false,
    error: { code: 'not_found', message: 'nothing', remedy: 'look' },
  });
  t.like(await askGateway(path, { command: 'break', args: {} }), { ok: false, error: { code: 'internal' } });
  t.like(await askGateway(path, { command: 'unknown', args: {} }), { ok: false, error: { code: 'unknown_command' } });
});

test('a request may come in pieces, and end before its answer', async (t) => {
  const path = await serve(t);
  const line = Buffer.from(`${JSON.stringify({ command: 'echo', args: 'ä' })}\n`);
  for (const end of [false, true]) {
    t.deepEqual(JSON.parse(await sendRaw(path, line, { end })), { ok: true, result: 'ä' });
  }
  const socket = connect(path);
  socket.setEncoding('utf8');
  for (const octet of line) {
    socket.write(Buffer.of(octet));
    await new Promise(setImmediate);
  }
  const [reply]: string[] = await once(socket, 'data');
  t.deepEqual(JSON.parse(reply!), { ok: true, result: 'ä' });
});

test('garbage is answered or dropped, and hurts nobody else', async (t) => {
  const path = await serve(t, { deadlineMs: 2_000 });
  const garbage = [
    '\n',
    'x\n',
    '[]\n',
    'null\n',
    '{}\n',
    '{"command":1,"args":{}}\n',
    '{"command":"echo"}\n',
    '\0\xff\n',
  ];
  for (const text of garbage) {
    const reply: ControlReply = JSON.parse(await sendRaw(path, text));
    t.like(reply, { ok: false, error: { code: 'bad_request' } }, JSON.stringify(text));
  }
  t.is(await sendRaw(path, 'no line', { end: true }), '');
  const long = await sendRaw(path, Buffer.alloc(REQUEST_LIMIT + 1, 'x'));
  t.true(long === '' || long.includes('too long'));
  const leaver = connect(path);
  await once(leaver, 'connect');
  leaver.destroy();
  t.deepEqual(await askGateway(path, { command: 'echo', args: 1 }), { ok: true, result: 1 });
});

test('whoever says nothing is closed at the deadline', async (t) => {
  const path = await serve(t, { deadlineMs: 50 });
  t.is(await sendRaw(path, ''), '');
});

test('the socket is for this user alone, and leaves nothing beside it', async (t) => {
  const path = makePath(t);
  const server = await serveControl(path, commands);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(join(path, '..')), ['roundabout.sock']);
  await server.close();
  t.false(existsSync(path));
});

test('the socket of a gateway that is gone is replaced, that of one that answers is not', async (t) => {
  const path = makePath(t);
  const first = await serveControl(path, commands);
  await t.throwsAsync(serveControl(path, commands), { instanceOf: CommandError, message: /another gateway answers/ });
  t.deepEqual(await askGateway(path, { command: 'echo', args: 1 }), { ok: true, result: 1 });
  await first.close();

  const stale = createServer().listen(`${path}.old`);
  await once(stale, 'listening');
  linkSync(`${path}.old`, path);
  await new Promise((closed) => stale.close(closed));
  t.is(await askGateway(path, { command: 'echo', args: 1 }), null);
  const second = await serveControl(path, commands);
  t.deepEqual(await askGateway(path, { command: 'echo', args: 2 }), { ok: true, result: 2 });
  await second.close();
});

test('a path that is no socket, or too long, is refused', async (t) => {
  const path = makePath(t);
  writeFileSync(path, 'precious');
  await t.throwsAsync(serveControl(path, commands), { instanceOf: CommandError, message: /no socket/ });
  const long = join(path, '..', 'x'.repeat(100), 'roundabout.sock');
  await t.throwsAsync(serveControl(long, commands), { instanceOf: CommandError, message: /more than 103 octets/ });
  t.is(await askGateway(long, { command: 'echo', args: 1 }), null);
});

test('a gateway that does not answer is told apart from none', async (t) => {
  const path = makePath(t);
  t.is(await askGateway(path, { command: 'echo', args: 1 }), null);
  const silent = createServer(() => {}).listen(path);
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const error = await t.throwsAsync(askGateway(path, { command: 'echo', args: 1 }, 50), { instanceOf: CommandError });
  t.is(error?.code, 'not_answering');
});
