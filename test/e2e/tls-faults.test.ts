import { connect } from 'node:net';
import { duplexPair } from 'node:stream';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import test from 'ava';
import { basic } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';

// What a hostile client does within TLS, once the handshake is done.

const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
let gateway: Gateway;

test.before(async () => {
  gateway = await startGateway({ pools: { direct: { exits: [{ direct: true }] } } });
});

test.after.always(() => gateway?.stop());

/** TLS to the gateway of which each octet passes by us; once it is `deaf` nothing comes back through it. */
async function connectWatched(version: SecureVersion) {
  const wire = connect({ port: gateway.port(), host: '127.0.0.1', allowHalfOpen: true });
  const [near, far] = duplexPair();
  const state = { deaf: false, ended: false };
  wire.on('data', (octets) => state.deaf || far.write(octets));
  wire.on('error', () => {}).on('close', () => Object.assign(state, { ended: true }));
  wire.on('end', () => Object.assign(state, { ended: true }));
  far.on('data', (octets) => wire.write(octets));
  const secure = connectTls({ socket: near, rejectUnauthorized: false, minVersion: version, maxVersion: version });
  secure.on('error', () => {});
  await new Promise((resolve) => secure.once('secureConnect', resolve));
  return { wire, secure, state };
}

test('no client renegotiates', async (t) => {
  const { wire, secure } = await connectWatched('TLSv1.2');
  t.teardown(() => wire.destroy());
  const renegotiated = await new Promise<boolean>((resolve) => {
    secure.once('error', () => resolve(false));
    secure.renegotiate({ rejectUnauthorized: false }, (fault) => resolve(fault === null));
  });
  t.false(renegotiated);
});

for (const version of versions) {
  test(`a record that was tampered with ends the connection, and a tunnel over it, by ${version}`, async (t) => {
    const origin = await startOrigin();
    t.teardown(() => origin.close());
    for (const tunnel of [false, true]) {
      const { wire, secure, state } = await connectWatched(version);
      t.teardown(() => wire.destroy());
      const target = tunnel ? `CONNECT 127.0.0.1:${origin.port}` : `GET ${origin.url}/`;
      secure.write(`${target} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${basic(gateway.login())}\r\n\r\n`);
      const answer = await new Promise((resolve) => secure.once('data', resolve));
      t.regex(String(answer), /^HTTP\/1\.1 200 /);
      state.deaf = true;
      wire.write(Buffer.from(`1703030020${'00'.repeat(32)}`, 'hex'));
      await t.notThrowsAsync(until(() => state.ended, 'the connection ends', 20_000));
    }
  });
}

test('what was cut is a reset to clients of TLS too, who may take a missing close_notify for an end', async (t) => {
  const origin = await startRawOrigin({
    reply: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
  });
  t.teardown(() => origin.close());
  const ended = new Promise<string>((resolve) => {
    const secure = connectTls({ port: gateway.port(), host: '127.0.0.1', rejectUnauthorized: false });
    let heard = '';
    secure.on('data', (octets) => {
      heard += octets;
    });
    secure.once('end', () => resolve(`end ${heard}`)).once('error', ({ message }) => resolve(message));
    // Whose content has no other end than that of its connection.
    const credential = basic(gateway.login());
    secure.write(`GET http://127.0.0.1:${origin.port}/ HTTP/1.0\r\nProxy-Authorization: ${credential}\r\n\r\n`);
  });
  t.regex(await ended, /ECONNRESET/);
});
