import { EventEmitter } from 'node:events';
import test from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { ExitExchange } from '../../src/gateway/exit-exchange.ts';

/** A link over a socket that takes nothing, as one that was reset; its answers come by the exchange's own methods. */
function exchangeOver(descriptor: number) {
  const socket = Object.assign(new EventEmitter(), { destroyed: false, descriptor, write: () => false });
  const silence = { set() {}, clear() {}, rest() {} };
  const link = { socket, silence, connection: { readHead() {}, hasSurplus: false }, absoluteForm: false, user: null };
  const options = {
    link,
    attempt: { signal: new AbortController().signal },
    plan: { method: 'GET' },
    content: { isEmpty: true, stop() {} },
    head: 'GET / HTTP/1.1\r\n\r\n',
    firstByteMs: 1_000,
    stallMs: 1_000,
    owner: {
      giveUp: () => {
        socket.destroyed = true;
      },
    },
  };
  return { socket, exchange: new ExitExchange(options as never) };
}

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
