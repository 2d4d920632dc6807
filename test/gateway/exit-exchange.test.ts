import { EventEmitter } from 'node:events';
import test from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { ExitExchange } from '../../src/gateway/forwarding/exit-exchange.ts';
import { Fields } from '../../src/protocol/fields.ts';

/** A link over a socket that takes nothing, as one that was reset; its answers come by the exchange's own methods. */
function exchangeOver(descriptor: number, content: object = { isEmpty: true, stop() {} }) {
  const socket = Object.assign(new EventEmitter(), { destroyed: false, descriptor, write: () => false });
  const deadlines: number[] = [];
  const silence = { set: (ms: number) => deadlines.push(ms), clear() {}, rest() {} };
  const link = { socket, silence, connection: { readHead() {}, hasSurplus: false }, absoluteForm: false, user: null };
  const options = {
    link,
    attempt: { signal: new AbortController().signal },
    plan: { method: 'GET', framing: { type: 'length', octets: 10 } },
    content,
    head: 'GET / HTTP/1.1\r\n\r\n',
    firstByteMs: 1_000,
    stallMs: 2_000,
    owner: {
      interim() {},
      giveUp: () => {
        socket.destroyed = true;
      },
    },
  };
  return { socket, deadlines, exchange: new ExitExchange(options as never) };
}

const interim = (status: number) => ({ minorVersion: 1, status, reason: '', fields: new Fields() }) as never;

test('what a peer said that took nothing of the request is no answer to it', async (t) => {
  const { socket, exchange } = exchangeOver(-1);
  const error = await t.throwsAsync(exchange.send(), { instanceOf: GatewayError });
  t.is(error.kind, 'origin_reset');
  t.false(exchange.answered);
  t.true(socket.destroyed);
});

test('a link that takes the request later is waited for', async (t) => {
  const { socket, exchange } = exchangeOver(5);
  const sent = exchange.send();
  await new Promise(setImmediate);
  t.false(socket.destroyed);
  exchange.closed();
  await t.throwsAsync(sent);
});

test('interim responses leave the time for the answer as it is', async (t) => {
  const { deadlines, exchange } = exchangeOver(5, { isEmpty: true, complete: true, stop() {} });
  const sent = exchange.send();
  for (const status of [100, 102, 103]) exchange.head(interim(status));
  t.deepEqual(deadlines, [1_000]);
  exchange.closed();
  await t.throwsAsync(sent);
});

test('once told to go on, a client has time to send its content', async (t) => {
  const content = { isEmpty: false, complete: false, bytes: 0, sendTo() {}, stop() {} };
  const { deadlines, exchange } = exchangeOver(5, content);
  const sent = exchange.send();
  for (const status of [103, 100, 100]) exchange.head(interim(status));
  t.deepEqual(deadlines, [1_000, 1_000]);
  exchange.closed();
  await t.throwsAsync(sent);
});

test('what is held back here is nobody’s silence, however long that is', async (t) => {
  const content = { isEmpty: false, complete: false, bytes: 0, sendTo() {}, stop() {} };
  const { deadlines, exchange } = exchangeOver(5, content);
  const sent = exchange.send();
  exchange.held(60_000);
  t.is(deadlines.at(-1), 62_000);
  exchange.head(interim(103));
  t.is(deadlines.at(-1), 62_000, 'an interim response shortens nothing');
  exchange.write(Buffer.from('01234'));
  t.is(deadlines.at(-1), 2_000, 'from then on it is its client’s');
  exchange.held(60_000);
  exchange.end(null);
  t.is(deadlines.at(-1), 1_000);
  exchange.closed();
  await t.throwsAsync(sent);
});
