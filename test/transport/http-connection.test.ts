import { once } from 'node:events';
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { RequestHeadDecoder, ResponseHeadDecoder } from '../../src/protocol/http-head.ts';
import type { RequestHead, ResponseHead } from '../../src/protocol/http-message.ts';
import { type ConnectionEvents, HttpConnection } from '../../src/transport/http-connection.ts';

const limits = { headBytes: 65_536, startLineBytes: 16_384, fieldLineBytes: 32_768, fieldCount: 200 };

test('ten thousand chunks that come together are delivered together', (t) => {
  const contents: Buffer[] = [];
  let ends = 0;
  const events: ConnectionEvents<RequestHead> = {
    headBegun() {},
    head: () => connection.readContent({ type: 'chunked' }),
    content: (chunk) => contents.push(chunk),
    contentEnd: () => ends++,
    fault: ({ detail }) => t.fail(detail),
    ended() {},
    closed() {},
  };
  const socket = new Socket();
  t.teardown(() => void socket.destroy());
  const connection = new HttpConnection(socket, { decoder: new RequestHeadDecoder(limits), role: 'request', events });
  connection.readHead();
  connection.feed(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'));
  connection.feed(Buffer.from(`${'1\r\nx\r\n'.repeat(10_000)}0\r\n\r\n`));
  t.deepEqual(contents.map(String), ['x'.repeat(10_000)]);
  t.is(ends, 1);
});

/** A connection that reads one request with content through a gate; one that is slow is paused whenever content has come. */
function gated(t: ExecutionContext, most: () => number, isSlow = false) {
  const told: string[] = [];
  const forced: number[] = [];
  let open = () => {};
  const events: ConnectionEvents<RequestHead> = {
    headBegun() {},
    head: ({ target }) => {
      told.push(String(target));
      if (target === '/first') connection.readContent({ type: 'length', octets: 10 });
    },
    content: (chunk) => {
      told.push(chunk.toString());
      if (isSlow) connection.pause();
    },
    contentEnd: () => told.push('end'),
    fault: ({ detail }) => t.fail(detail),
    ended: (midway) => told.push(midway ? 'ended midway' : 'ended'),
    closed: () => told.push('closed'),
  };
  const socket = new Socket();
  t.teardown(() => void socket.destroy());
  const connection = new HttpConnection(socket, { decoder: new RequestHeadDecoder(limits), role: 'request', events });
  connection.gate = {
    pass: (octets, opened) => {
      open = opened;
      return Math.min(octets, most());
    },
    force: (octets) => forced.push(octets),
  };
  connection.readHead();
  connection.feed(Buffer.from('POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n'));
  return { connection, socket, told, forced, open: () => open() };
}

test('content passes a gate as it lets it, whole and in order, and its end behind it', (t) => {
  let most = 3;
  const { connection, socket, told, open } = gated(t, () => most);
  connection.feed(Buffer.from('0123456'));
  t.deepEqual(told, ['/first', '012', '345', '6']);
  most = 0;
  connection.feed(Buffer.from('789GET /second HTTP/1.1\r\nHost: a\r\n\r\n'));
  t.true(socket.isPaused());
  connection.resume();
  t.is(told.length, 4);
  most = 2;
  open();
  t.deepEqual(told.slice(4), ['78', '9', 'end']);
  t.false(socket.isPaused());
  connection.readHead();
  t.is(told.at(-1), '/second', 'what follows is no content');
});

test('what waits at a gate passes when there is none any more', (t) => {
  const { connection, told } = gated(t, () => 0);
  connection.feed(Buffer.from('0123456789'));
  t.deepEqual(told, ['/first']);
  connection.gate = null;
  t.deepEqual(told, ['/first', '0123456789', 'end']);
});

test('what waits at a gate asks the one that takes its place', (t) => {
  const { connection, told } = gated(t, () => 0);
  connection.feed(Buffer.from('0123456789'));
  connection.gate = { pass: (octets) => Math.min(octets, 6), force() {} };
  t.deepEqual(told, ['/first', '012345', '6789', 'end']);
});

test('a peer that resets behind its last octet has sent all of it; a socket that we close has not', async (t) => {
  const reset = gated(t, () => 0);
  reset.connection.feed(Buffer.from('0123456789'));
  reset.socket.destroy(new Error('ECONNRESET'));
  await once(reset.socket, 'close').catch(() => {});
  await setImmediate();
  t.deepEqual(reset.told, ['/first', '0123456789', 'end', 'closed']);
  t.deepEqual(reset.forced, [10]);
  const closed = gated(t, () => 0);
  closed.connection.feed(Buffer.from('0123456789'));
  closed.socket.destroy();
  await once(closed.socket, 'close');
  t.deepEqual(closed.told, ['/first', 'closed']);
});

for (const [where, most] of [
  ['at a gate', 0],
  ['behind what a gate let pass', 3],
] as const) {
  test(`what waits ${where} for somebody slow comes whole when its peer has reset`, async (t) => {
    const { connection, socket, told } = gated(t, () => most, true);
    connection.feed(Buffer.from('01234'));
    connection.feed(Buffer.from('56789'));
    socket.destroy(new Error('ECONNRESET'));
    await once(socket, 'close').catch(() => {});
    await setImmediate();
    t.is(told.slice(1, -2).join(''), '0123456789');
    t.deepEqual(told.slice(-2), ['end', 'closed']);
  });
}

test('a peer that resets midway has sent no end, whatever waited', async (t) => {
  for (const isSlow of [false, true]) {
    const { connection, socket, told } = gated(t, () => 0, isSlow);
    connection.feed(Buffer.from('01234'));
    socket.destroy(new Error('ECONNRESET'));
    await once(socket, 'close').catch(() => {});
    await setImmediate();
    t.deepEqual(told, ['/first', '01234', 'closed']);
  }
});

test('content that an end has delimited is whole for somebody slow, whatever becomes of its peer meanwhile', async (t) => {
  for (const ends of [true, false]) {
    const told: string[] = [];
    const events: ConnectionEvents<ResponseHead> = {
      headBegun() {},
      head: () => connection.readContent({ type: 'close' }),
      content: (chunk) => told.push(chunk.toString()),
      contentEnd: () => told.push('end'),
      fault: ({ detail }) => t.fail(detail),
      ended: (midway) => told.push(midway ? 'ended midway' : 'ended'),
      closed: () => told.push('closed'),
    };
    const socket = new Socket();
    const decoder = new ResponseHeadDecoder(limits);
    const connection = new HttpConnection(socket, { decoder, role: 'response', events });
    connection.readHead();
    connection.feed(Buffer.from('HTTP/1.1 200 OK\r\n\r\n01234'));
    connection.pause();
    connection.feed(Buffer.from('56789'));
    if (ends) socket.emit('end');
    // One that is long gone answers what keeps the connection alive by RST.
    socket.destroy(new Error('ECONNRESET'));
    await once(socket, 'close').catch(() => {});
    await setImmediate();
    t.deepEqual(told, ['01234', '56789', ...(ends ? ['end'] : []), 'closed']);
  }
});
