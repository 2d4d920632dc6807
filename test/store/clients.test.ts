import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ClientDirectory } from '../../src/policy/client-directory.ts';
import { Clients, type NewClient, secretLimit } from '../../src/store/clients.ts';
import { openStore } from '../../src/store/database.ts';
import { hashSecret, loadSecretKey } from '../../src/store/secret-key.ts';
import { StoreError, type StoreErrorCode } from '../../src/store/store-error.ts';
import { temporaryFolder } from './folder.ts';

function openClients(t: ExecutionContext, folder = temporaryFolder(t)) {
  let time = 1000;
  const store = openStore(folder, { now: () => time++ });
  t.teardown(() => store.close());
  const key = loadSecretKey(folder);
  const clients = new Clients(store, key);
  const directory = () => new ClientDirectory(clients.snapshotClients(), { hash: (secret) => hashSecret(key, secret) });
  const logsIn = (name: string, secret: string) => directory().authenticate({ name, secret, source: '192.0.2.1' }).ok;
  return { folder, store, clients, logsIn };
}

function fails(t: ExecutionContext, code: StoreErrorCode, work: () => unknown): void {
  t.is(t.throws(work, { instanceOf: StoreError })?.code, code);
}

test('a client is stored with all its settings, and its secret logs in', (t) => {
  const { clients, logsIn } = openClients(t);
  const settings = {
    enabled: true,
    allowIp: ['192.0.2.0/24', '2001:db8::/32'],
    allowIpIsCredential: true,
    pools: ['retail', 'demo'],
    params: 'country-us-ttl-10m',
    rules: {
      allow: [{ cidr: '10.0.0.0/8', pool: 'demo' }],
      deny: [{ suffix: 'example.com', port: { from: 1, to: 2 } }],
    },
    dialects: ['oxylabs'],
    replyFields: 'off',
  } as const;
  const { client, secret } = clients.addClient({ name: 'acme', ...settings });
  t.like(client, { name: 'acme', ...settings, createdAt: 1000, updatedAt: 1000 });
  t.regex(secret ?? '', /^[A-Za-z0-9]{26}$/);
  t.true(logsIn('acme', secret ?? ''));
  t.false(logsIn('acme', 'another'));
  t.deepEqual(clients.showClient('acme'), client);
  t.deepEqual(clients.listClients(), [client]);
});

test('a secret is nowhere on the disk, and its hash is not shown', (t) => {
  const { clients, folder } = openClients(t);
  const { client, secret } = clients.addClient({ name: 'acme' });
  for (const file of ['roundabout.db', 'roundabout.db-wal', 'secret.key']) {
    t.false(readFileSync(join(folder, file)).includes(secret ?? ''), file);
  }
  const [hash = ''] = clients.snapshotClients()[0]?.secrets.map((stored) => stored.hash) ?? [];
  t.regex(hash, /^[0-9a-f]{64}$/);
  t.false(JSON.stringify([client, clients.listClients(), clients.showClient('acme')]).includes(hash));
});

test('secrets differ', (t) => {
  const { clients } = openClients(t);
  clients.addClient({ name: 'acme' });
  const secrets = Array.from({ length: 50 }, () => clients.rotateSecret('acme', { keepOld: false }).secret);
  t.is(new Set(secrets).size, secrets.length);
});

test('names', (t) => {
  const { clients } = openClients(t);
  for (const name of ['a', '_', '.', 'a.b_9', 'constructor', '__proto__', 'x'.repeat(32)]) {
    t.is(clients.addClient({ name }).client.name, name);
    fails(t, 'exists', () => clients.addClient({ name }));
  }
  for (const name of ['', 'A', 'a-b', 'a b', 'a\n', 'é', 'x'.repeat(33)])
    fails(t, 'bad_name', () => clients.addClient({ name }));
});

const refused: readonly (readonly [StoreErrorCode, Omit<NewClient, 'name'>])[] = [
  ['bad_cidr', { allowIp: ['10.0.0.0/33'] }],
  ['bad_cidr', { allowIp: ['example.com'] }],
  ['bad_value', { allowIpIsCredential: true }],
  ['bad_value', { pools: ['a b'] }],
  ['bad_value', { pools: [''] }],
  ['bad_value', { dialects: ['klingon'] }],
  ['bad_params', { params: 'colour-red' }],
  ['bad_params', { params: 'session' }],
  ['bad_rule', { rules: { allow: [{}], deny: [] } }],
  ['bad_rule', { rules: { allow: [], deny: [{ pool: 'a' }] } }],
  ['bad_rule', { rules: { allow: [], deny: [{ cidr: 'x' }] } }],
  ['bad_rule', { rules: { allow: [], deny: [{ host: 'a b' }] } }],
  ['bad_rule', { rules: { allow: [], deny: [{ suffix: '10.0.0.1' }] } }],
  ['bad_rule', { rules: { allow: [], deny: [{ port: { from: 2, to: 1 } }] } }],
  ['bad_rule', { rules: { allow: [], deny: [{ port: { from: 0, to: 1 } }] } }],
];

for (const [i, [code, settings]] of refused.entries()) {
  test(`settings that make no sense are refused: ${code} ${i}`, (t) => {
    const { clients } = openClients(t);
    fails(t, code, () => clients.addClient({ name: 'acme', ...settings }));
    const { client } = clients.addClient({ name: 'acme' });
    fails(t, code, () => clients.updateClient('acme', settings));
    t.deepEqual(clients.listClients(), [client]);
  });
}

test('an update changes what is given, and keeps the secrets', (t) => {
  const { clients, logsIn } = openClients(t);
  const { client, secret } = clients.addClient({ name: 'acme', pools: ['a'], params: 'country-us' });
  const changed = clients.updateClient('acme', { pools: ['b'], params: undefined });
  t.deepEqual(changed, { ...client, pools: ['b'], updatedAt: changed.updatedAt });
  t.true(changed.updatedAt > client.updatedAt);
  t.true(logsIn('acme', secret ?? ''));
});

test('a disabled client keeps everything but its access', (t) => {
  const { clients, logsIn } = openClients(t);
  const { secret } = clients.addClient({ name: 'acme' });
  t.false(clients.setEnabled('acme', false).enabled);
  t.false(logsIn('acme', secret ?? ''));
  t.true(clients.setEnabled('acme', true).enabled);
  t.true(logsIn('acme', secret ?? ''));
});

test('secrets rotate without downtime', (t) => {
  const { clients, logsIn } = openClients(t);
  const first = clients.addClient({ name: 'acme' });
  const second = clients.rotateSecret('acme', { keepOld: true, label: 'autumn' });
  t.true(logsIn('acme', first.secret ?? ''));
  t.true(logsIn('acme', second.secret));
  clients.updateClient('acme', {}, [first.client.secrets[0]?.id ?? 0]);
  t.false(logsIn('acme', first.secret ?? ''));
  t.like(clients.showClient('acme').secrets, [{ id: second.secretId, label: 'autumn' }]);
  const third = clients.rotateSecret('acme', { keepOld: false });
  t.false(logsIn('acme', second.secret));
  t.true(logsIn('acme', third.secret));
});

test('no more secrets than a login is compared with, and every one of them works', (t) => {
  const { clients, logsIn } = openClients(t);
  const secrets = [clients.addClient({ name: 'acme' }).secret ?? ''];
  while (secrets.length < secretLimit) secrets.push(clients.rotateSecret('acme', { keepOld: true }).secret);
  fails(t, 'too_many_secrets', () => clients.rotateSecret('acme', { keepOld: true }));
  for (const secret of secrets) t.true(logsIn('acme', secret));
});

test('a client can do without a secret', (t) => {
  const { clients, logsIn } = openClients(t);
  const { client, secret } = clients.addClient({
    name: 'acme',
    allowIp: ['::1'],
    allowIpIsCredential: true,
    withSecret: false,
  });
  t.is(secret, null);
  t.deepEqual(client.secrets, []);
  t.false(logsIn('acme', ''));
});

test('removing a client removes its secrets, also for one that comes after it', (t) => {
  const { clients, logsIn } = openClients(t);
  const { secret } = clients.addClient({ name: 'acme' });
  clients.addClient({ name: 'other' });
  clients.removeClient('acme');
  t.deepEqual(
    clients.listClients().map(({ name }) => name),
    ['other'],
  );
  clients.addClient({ name: 'acme' });
  t.false(logsIn('acme', secret ?? ''));
});

test('who isn’t there can’t be changed', (t) => {
  const { clients } = openClients(t);
  clients.addClient({ name: 'acme' });
  fails(t, 'not_found', () => clients.showClient('nobody'));
  fails(t, 'not_found', () => clients.removeClient('nobody'));
  fails(t, 'not_found', () => clients.setEnabled('nobody', true));
  fails(t, 'not_found', () => clients.updateClient('nobody', {}));
  fails(t, 'not_found', () => clients.rotateSecret('nobody', { keepOld: false }));
  fails(t, 'not_found', () => clients.updateClient('acme', {}, [99]));
});

test('the key lasts, and another one is told apart at once', (t) => {
  const { folder, store, clients } = openClients(t);
  clients.addClient({ name: 'acme' });
  t.notThrows(() => new Clients(store, loadSecretKey(folder)));
  fails(t, 'bad_key', () => new Clients(store, Buffer.alloc(32)));
  writeFileSync(join(folder, 'secret.key'), 'short');
  fails(t, 'bad_key', () => loadSecretKey(folder));
});
