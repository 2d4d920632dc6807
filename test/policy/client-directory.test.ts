import { createHmac } from 'node:crypto';
import test from 'ava';
import { ClientDirectory, type ClientRecord, secretLimit } from '../../src/policy/client-directory.ts';
import { secretLimit as storedSecretLimit } from '../../src/store/clients.ts';

const hmac = (secret: string) => createHmac('sha256', 'key').update(secret).digest();
const source = '192.0.2.1';

function record(name: string, given: Partial<ClientRecord> & { plain?: readonly string[] } = {}): ClientRecord {
  const { plain = [`${name}-secret`], ...fields } = given;
  return {
    name,
    enabled: true,
    allowIp: [],
    allowIpIsCredential: false,
    pools: [],
    params: '',
    rules: { allow: [], deny: [] },
    dialects: [],
    replyFields: null,
    limits: [],
    quotas: [],
    secrets: plain.map((secret) => ({ hash: hmac(secret).toString('hex') })),
    ...fields,
  };
}

/** A directory and the number of hashes it made since it was built. */
function directoryOf(...records: ClientRecord[]) {
  const seen: string[] = [];
  const hash = (secret: string) => {
    seen.push(secret);
    return hmac(secret);
  };
  const directory = new ClientDirectory(records, { hash });
  seen.length = 0;
  return { directory, seen };
}

test('any of a client’s secrets logs in, and nothing else does', (t) => {
  const { directory } = directoryOf(record('acme', { plain: ['one', 'two', 'three', 'four'] }), record('other'));
  for (const secret of ['one', 'two', 'three', 'four']) {
    const login = directory.authenticate({ name: 'acme', secret, source });
    t.is(login.ok && login.client.name, 'acme');
  }
  for (const secret of ['', 'One', 'five', 'other-secret', '\0']) {
    t.deepEqual(directory.authenticate({ name: 'acme', secret, source }), { ok: false, reason: 'wrong_secret' });
  }
});

test('the percent-decoded form is tried as well', (t) => {
  const { directory } = directoryOf(record('acme', { plain: ['p@ss'] }));
  t.true(directory.authenticate({ name: 'acme', secret: 'p%40ss', alternativeSecret: 'p@ss', source }).ok);
  t.false(directory.authenticate({ name: 'acme', secret: 'p%40ss', source }).ok);
});

test('the work is the same for every name and outcome', (t) => {
  const { directory, seen } = directoryOf(
    record('acme'),
    record('many', { plain: ['a', 'b', 'c'] }),
    record('off', { enabled: false }),
    record('keyless', { plain: [] }),
  );
  for (const name of ['acme', 'many', 'off', 'keyless', 'nobody', '', '__proto__', 'x'.repeat(200)]) {
    seen.length = 0;
    directory.authenticate({ name, secret: 'acme-secret', source });
    t.deepEqual(seen, ['acme-secret'], name);
    directory.authenticate({ name, secret: 'acme-secret', alternativeSecret: 'b', source });
    t.deepEqual(seen, ['acme-secret', 'acme-secret', 'b'], name);
  }
});

test('reasons are told apart for the log only after the secret was right', (t) => {
  const { directory } = directoryOf(
    record('off', { enabled: false }),
    record('near', { allowIp: ['198.51.100.0/24'] }),
  );
  const reason = (name: string, secret: string) => {
    const login = directory.authenticate({ name, secret, source });
    return login.ok ? 'ok' : login.reason;
  };
  t.is(reason('nobody', 'x'), 'unknown');
  t.is(reason('off', 'x'), 'wrong_secret');
  t.is(reason('off', 'off-secret'), 'disabled');
  t.is(reason('near', 'x'), 'wrong_secret');
  t.is(reason('near', 'near-secret'), 'source');
});

test('the allow-list knows a mapped address', (t) => {
  const { directory } = directoryOf(record('acme', { allowIp: ['192.0.2.0/24', '2001:db8::/64'] }));
  const from = (address: string) => directory.authenticate({ name: 'acme', secret: 'acme-secret', source: address }).ok;
  t.true(from('192.0.2.200'));
  t.true(from('::ffff:192.0.2.200'));
  t.true(from('2001:db8::1'));
  t.false(from('192.0.3.1'));
  t.false(from('2001:db8:0:1::1'));
  t.false(from(''));
});

test('a client without secrets, or with a damaged hash, can’t log in', (t) => {
  const { directory } = directoryOf(record('keyless', { plain: [] }), record('broken', { secrets: [{ hash: 'zz' }] }));
  for (const name of ['keyless', 'broken', 'nobody']) {
    for (const secret of ['', '\0'.repeat(32)]) t.false(directory.authenticate({ name, secret, source }).ok);
  }
});

test('a source is a credential only where the record says so, and only for one client', (t) => {
  const { directory } = directoryOf(
    record('listed', { allowIp: ['192.0.2.0/24'] }),
    record('known', { allowIp: ['192.0.2.0/25', '2001:db8::1'], allowIpIsCredential: true }),
    record('rival', { allowIp: ['192.0.2.64/26'], allowIpIsCredential: true }),
    record('off', { allowIp: ['203.0.113.0/24'], allowIpIsCredential: true, enabled: false }),
    record('open', { allowIpIsCredential: true }),
  );
  t.is(directory.bySource('192.0.2.1')?.name, 'known');
  t.is(directory.bySource('::ffff:192.0.2.1')?.name, 'known');
  t.is(directory.bySource('2001:db8::1')?.name, 'known');
  t.is(directory.bySource('192.0.2.65'), null);
  t.is(directory.bySource('192.0.2.200'), null);
  t.is(directory.bySource('203.0.113.1'), null);
  t.is(directory.bySource('8.8.8.8'), null);
});

test('a listener’s own client needs no credential, but its allow-list holds', (t) => {
  const { directory } = directoryOf(
    record('listed', { allowIp: ['192.0.2.0/24'] }),
    record('open'),
    record('off', { enabled: false }),
  );
  t.is(directory.bySource('192.0.2.1', 'listed')?.name, 'listed');
  t.is(directory.bySource('192.0.3.1', 'listed'), null);
  t.is(directory.bySource('192.0.3.1', 'open')?.name, 'open');
  t.is(directory.bySource('192.0.3.1', 'off'), null);
  t.is(directory.bySource('192.0.3.1', 'nobody'), null);
});

test('a record is found by its name', (t) => {
  const { directory } = directoryOf(record('acme'), record('off', { enabled: false }));
  t.is(directory.size, 2);
  t.is(directory.get('off')?.name, 'off');
  t.is(directory.get('constructor'), undefined);
});

test('the store keeps as many secrets as a login is compared with', (t) => {
  t.is(storedSecretLimit, secretLimit);
});
