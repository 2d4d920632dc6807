import { join } from 'node:path';
import test from 'ava';
import { basic } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { run } from '../support/programs.ts';
import { peerTest } from './peer-test.ts';

let gateway: Gateway;
let origin: Origin;

test.before(async () => {
  origin = await startOrigin();
  const loopback = { host: '127.0.0.1', port: 0 };
  gateway = await startGateway({
    config: {
      listeners: [
        { ...loopback, name: 'mixed', protocols: ['http', 'https', 'socks5'] },
        { ...loopback, name: 'tls', protocols: ['https'] },
      ],
    },
    pools: { direct: { exits: [{ direct: true }] } },
  });
});

test.after.always(async () => {
  await Promise.all([origin?.close(), gateway?.stop()]);
});

/** Connects to a listener by `openssl s_client`, asks for a page of the origin, and reads until the end. */
function connect(listener: string, args: readonly string[]) {
  const request = [`GET ${origin.url}/ HTTP/1.1`, `Host: 127.0.0.1:${origin.port}`, 'Connection: close'];
  const lines = [...request, `Proxy-Authorization: ${basic(gateway.login())}`, '', ''];
  const common = ['s_client', '-connect', `127.0.0.1:${gateway.port(listener)}`, '-ign_eof'];
  const trust = ['-CAfile', join(gateway.folder, 'data', 'certificate.pem'), '-verify_return_error'];
  return run('openssl', [...common, ...trust, ...args], { input: lines.join('\r\n') });
}

for (const listener of ['mixed', 'tls']) {
  peerTest(`OpenSSL agrees on TLS 1.2 and 1.3 with the listener ${listener}`, ['openssl'], async (t) => {
    for (const [flag, version] of [
      ['-tls1_2', 'TLSv1.2'],
      ['-tls1_3', 'TLSv1.3'],
    ] as const) {
      const { code, stdout, stderr } = await connect(listener, [flag, '-verify_ip', '127.0.0.1']);
      t.is(code, 0, stderr);
      t.true(stdout.includes(`New, ${version}, Cipher is `), version);
      t.regex(stdout, /Verify return code: 0 \(ok\)|Verification: OK/);
      t.regex(stdout, /HTTP\/1\.1 200 OK\r\n.*origin\n/s);
    }
  });

  peerTest(`OpenSSL is refused older versions by the listener ${listener}`, ['openssl'], async (t) => {
    // At its usual level of security OpenSSL 3 would not so much as ask.
    for (const flag of ['-tls1', '-tls1_1']) {
      const { code, stderr } = await connect(listener, [flag, '-cipher', 'ALL:@SECLEVEL=0']);
      t.not(code, 0);
      t.regex(stderr, /alert protocol version/, flag);
    }
  });

  peerTest(`OpenSSL is offered http/1.1 alone by the listener ${listener}`, ['openssl'], async (t) => {
    const both = await connect(listener, ['-alpn', 'h2,http/1.1']);
    t.regex(both.stdout, /^ALPN protocol: http\/1\.1$/m);
    t.true(both.stdout.includes('origin\n'));
    t.true((await connect(listener, [])).stdout.includes('No ALPN negotiated'));
    const other = await connect(listener, ['-alpn', 'h2']);
    t.not(other.code, 0);
    t.regex(other.stderr, /alert no application protocol/);
  });
}
