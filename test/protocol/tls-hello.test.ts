import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import test from 'ava';
import fc from 'fast-check';
import { ClientHelloDecoder } from '../../src/protocol/tls-hello.ts';
import { listen } from '../support/peers.ts';
import { asRecords, helloFor, helloMessage, serverNameExtension } from './hellos.ts';
import { decodeEveryWay, decodePieces, survivesMutation } from './splitting.ts';

const make = () => new ClientHelloDecoder();
const read = (octets: Buffer) => decodePieces(make(), [octets]);

test('the name is found, however the octets come', (t) => {
  const outcome = decodeEveryWay(t, make, Buffer.concat([helloFor('WWW.Shop.Example'), Buffer.from('rest')]));
  t.like(outcome, {
    state: 'value',
    value: { serverName: 'www.shop.example' },
    rest: Buffer.from('rest').toString('hex'),
  });
});

test('a hello over several records', (t) => {
  const message = helloMessage([serverNameExtension('shop.example')]);
  for (const size of [1, 3, 4, 5, 60]) {
    const outcome = decodeEveryWay(t, make, asRecords(message, size));
    t.like(outcome, { state: 'value', value: { serverName: 'shop.example' }, rest: '' });
  }
});

test('a hello of an octet a record costs no more than its octets, though each comes by itself', (t) => {
  const message = helloMessage([serverNameExtension('shop.example')]);
  // As long as may be, and without its end.
  message.writeUIntBE(16_000, 1, 3);
  const records = asRecords(Buffer.concat([message, Buffer.alloc(15_000)]), 1);
  const decoder = make();
  const startedAt = performance.now();
  for (let at = 0; at < records.length; at++) t.is(decoder.push(records.subarray(at, at + 1)).state, 'more');
  // Octets that were looked at again with each took a minute.
  t.true(performance.now() - startedAt < 10_000);
});

test('nothing is kept of pieces that are only lent', (t) => {
  const hello = helloFor('shop.example');
  const decoder = make();
  for (const [start, end] of [
    [0, 3],
    [3, 40],
    [40, hello.length - 5],
  ] as const) {
    const lent = Buffer.from(hello.subarray(start, end));
    t.is(decoder.push(lent).state, 'more');
    lent.fill(0);
  }
  t.like(decoder.push(hello.subarray(-5)), { state: 'value', value: { serverName: 'shop.example' } });
});

test('what stands behind the message in its record is rest', (t) => {
  const outcome = decodeEveryWay(t, make, asRecords(Buffer.concat([helloMessage([]), Buffer.from([9, 8, 7])])));
  t.like(outcome, { state: 'value', value: { serverName: null }, rest: '090807' });
});

test('no extensions, none with a name', (t) => {
  t.like(read(asRecords(helloMessage(null))), { state: 'value', value: { serverName: null } });
  t.like(read(asRecords(helloMessage([]))), { state: 'value', value: { serverName: null } });
});

test('what is no ClientHello, or a malformed one, is a fault', (t) => {
  const hello = helloFor('shop.example');
  const changed = (at: number, octet: number) => Buffer.from(hello).fill(octet, at, at + 1);
  const wrong: Record<string, Buffer> = {
    'no TLS': Buffer.from('GET / HTTP/1.1\r\n'),
    'another content type': changed(0, 23),
    'another version': changed(1, 2),
    'an empty record': Buffer.from([22, 3, 1, 0, 0]),
    'a record too long': Buffer.from([22, 3, 1, 0x41, 0]),
    'a ServerHello': changed(5, 2),
    'a message too long': changed(6, 1),
    'a session id too long': changed(5 + 4 + 34, 33),
    'an address': helloFor('192.0.2.1'),
    'a name with a NUL': helloFor('shop\0.example'),
    'an empty name': helloFor(''),
    'two names': asRecords(helloMessage([serverNameExtension('a.example'), serverNameExtension('b.example')])),
    'extensions that are cut': asRecords(helloMessage([serverNameExtension('a.example').subarray(0, -1)])),
  };
  for (const [what, octets] of Object.entries(wrong)) t.is(read(octets).state, 'error', what);
});

test('any name comes back', (t) => {
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 300 }), (labels, size) => {
      const name = labels.join('.');
      const octets = asRecords(helloMessage([serverNameExtension(name)]), size);
      return (read(octets).value as { serverName: string }).serverName === name;
    }),
  );
  t.pass();
});

test('no octets throw', (t) => {
  survivesMutation(t, make, [
    helloFor('www.shop.example'),
    asRecords(helloMessage([serverNameExtension('a.example')]), 20),
  ]);
});

test('the hello of a real client', async (t) => {
  const server = createServer();
  const peer = await listen(server);
  const [[socket]] = await Promise.all([
    once(server, 'connection'),
    once(
      connect({ port: peer.port, host: '127.0.0.1', servername: 'real.shop.example' }).on('error', () => {}),
      'connect',
    ),
  ]);
  const decoder = make();
  for await (const chunk of socket) {
    const result = decoder.push(chunk);
    t.not(result.state, 'error');
    if (result.state !== 'value') continue;
    t.is(result.value.serverName, 'real.shop.example');
    break;
  }
  await peer.close();
});
