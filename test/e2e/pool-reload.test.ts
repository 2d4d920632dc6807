import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { PoolReload } from '../../src/admin/reload-command.ts';
import { testCertificate } from '../support/certificate.ts';
import { connectVia, forwardVia } from '../support/clients.ts';
import { type Exit, startHttpExit } from '../support/exits.ts';
import { parseExposition, totalOf } from '../support/exposition.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

let origin: Origin;
let exits: readonly Exit[];

test.before(async () => {
  origin = await startOrigin();
  exits = await Promise.all([startHttpExit(), startHttpExit()]);
});

test.after.always(() => Promise.all([...exits, origin].map((peer) => peer.close())));

const addressOf = (exit: Exit) => `127.0.0.1:${exit.port}`;

function writePool(gateway: Gateway, name: string, of: readonly Exit[]): Promise<void> {
  const pool = { pool: name, tier: 'dc', exits: of.map(({ url }) => ({ url })) };
  return writeFile(join(gateway.folder, 'pools', `${name}.yaml`), JSON.stringify(pool));
}

type Reloaded = PoolReload & { readonly failures: readonly object[]; readonly code: number | null };

async function reload(gateway: Gateway, ...pools: string[]): Promise<Reloaded> {
  const ended = await gateway.command('pool', 'reload', ...pools, '--json');
  return { ...JSON.parse(ended.stdout), code: ended.code };
}

test('a reload is by difference: a tunnel over a removed exit goes on, and nothing new goes there', async (t) => {
  const [stays, leaves] = exits;
  const gateway = await startGateway({
    config: { workers: 2 },
    pools: { listed: { exits: [{ url: leaves!.url }] }, other: { exits: [{ url: stays!.url }] } },
  });
  t.teardown(() => gateway.stop());
  const session = gateway.login('tester', 'session-s1');
  const tunnel = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login: session });
  t.is(tunnel.status, 200);
  const kept = await forwardVia(gateway.port(), `${origin.url}/bytes/3`, { login: session });
  t.is(kept.status, 200);
  await writePool(gateway, 'listed', [stays!]);
  const changed = await reload(gateway, 'listed');
  t.deepEqual(changed, {
    pools: [{ pool: 'listed', exits: 1, added: 1, removed: 1, kept: 0, duplicates: 0, faults: [] }],
    faults: [],
    failures: [],
    code: 0,
  });

  const seen = leaves!.requests.length;
  for (let i = 0; i < 20; i += 1) {
    const answer = await forwardVia(gateway.port(), `${origin.url}/bytes/3`, { login: session });
    t.is(answer.status, 200);
  }
  t.is(leaves!.requests.length, seen);
  const path = Buffer.from(`GET /bytes/5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  tunnel.socket.write(path);
  tunnel.socket.resume();
  const [answered] = await once(tunnel.socket, 'data');
  t.regex(String(answered), /^HTTP\/1.1 200/);
  tunnel.socket.destroy();
  t.deepEqual(await reload(gateway, 'listed').then(({ pools }) => pools[0]?.kept), 1);
});

test('a pool with a fault keeps what it had, and the others go on', async (t) => {
  const [one, other] = exits;
  const gateway = await startGateway({
    pools: { good: { exits: [{ url: one!.url }] }, bad: { exits: [{ list: 'bad.txt' }] } },
    files: { 'bad.txt': `${addressOf(one!)}\n` },
  });
  t.teardown(() => gateway.stop());
  await writePool(gateway, 'good', [one!, other!, one!]);
  await writeFile(join(gateway.folder, 'bad.txt'), `${addressOf(other!)}\nno exit at all: secret\n`);
  const first = await reload(gateway);
  t.is(first.code, 2);
  const [good, bad] = first.pools;
  t.like(good, { pool: 'good', exits: 2, added: 1, kept: 1, duplicates: 1 });
  t.like(bad, { pool: 'bad', exits: 1, added: 0, removed: 0, kept: 1 });
  t.regex(bad?.faults[0] ?? '', /bad\.txt:2:1 /);
  t.false(JSON.stringify(first).includes('secret'));

  // A pool file that can't be read, one that is gone, and a new one.
  await writeFile(join(gateway.folder, 'pools', 'bad.yaml'), 'pool: bad\nexits: [{ nonsense: 1 }]\n');
  await writeFile(join(gateway.folder, 'pools', 'new.yaml'), `pool: new\nexits: [{ url: "${one!.url}" }]\n`);
  const second = await reload(gateway);
  t.deepEqual(
    second.pools.map(({ pool, exits: has, faults }) => [pool, has, faults.length]),
    [
      ['good', 2, 0],
      ['new', 1, 0],
      ['bad', 1, 1],
    ],
  );
  const via = await forwardVia(gateway.port(), `${origin.url}/bytes/3`, { login: gateway.login('tester', 'pool-bad') });
  t.is(via.status, 200);
  const unknown = await gateway.command('pool', 'reload', 'nowhere', '--json');
  t.is(unknown.code, 3);
});

test('a reload of pools goes by the secrets file as it is then; while that has a fault, pools keep what they had', async (t) => {
  const exit = await startHttpExit();
  t.teardown(() => exit.close());
  const gateway = await startGateway({
    config: { secrets: './secrets.env' },
    pools: { vendor: { exits: [{ url: `http://acme:\${VENDOR_PASSWORD}@${addressOf(exit)}` }] } },
    files: { 'secrets.env': 'VENDOR_PASSWORD=former\n' },
  });
  t.teardown(() => gateway.stop());
  const passwordSent = async () => {
    const { status } = await forwardVia(gateway.port(), `${origin.url}/bytes/3`, { login: gateway.login() });
    t.is(status, 200);
    return exit.requests.at(-1)?.password;
  };
  t.is(await passwordSent(), 'former');
  await writeFile(join(gateway.folder, 'secrets.env'), 'VENDOR_PASSWORD=fresh\n');
  t.like(await reload(gateway, 'vendor'), { code: 0, faults: [], pools: [{ pool: 'vendor', exits: 1, kept: 1 }] });
  t.is(await passwordSent(), 'fresh');

  await writeFile(join(gateway.folder, 'secrets.env'), 'VENDOR_PASSWORD\n');
  const refused = await reload(gateway, 'vendor');
  t.is(refused.code, 2);
  t.regex(refused.faults[0] ?? '', /secrets\.env:1:1 expected KEY=VALUE$/);
  t.regex(refused.pools[0]?.faults[0] ?? '', /VENDOR_PASSWORD\} is neither/);
  t.is(await passwordSent(), 'fresh');
});

test('what only a start can change is told of by each reload for as long as it differs from what runs', async (t) => {
  const gateway = await startGateway({ pools: { direct: { exits: [{ direct: true }] } } });
  t.teardown(() => gateway.stop());
  const file = join(gateway.folder, 'roundabout.yaml');
  const config = JSON.parse(await readFile(file, 'utf8'));
  // Overload is decided by what was read last.
  const limits = { ...config.limits, connections: 5_000, memory: '4GiB', overload: { delay: '2s' } };
  const probe = { ...config.probe, zone: 'Europe/Berlin' };
  const changed = { ...config, geo: { mmdb: ['country.mmdb'] }, limits, probe };
  let reloads = 0;
  const toldOf = async (next: object) => {
    const from = gateway.output().length;
    const said = () => gateway.output().slice(from);
    await writeFile(file, JSON.stringify(next));
    gateway.signal('SIGHUP');
    await until(() => said().includes('are read again'), `reload ${++reloads}`);
    return [...said().matchAll(/(\S+): the change takes effect at the next start/g)].map(([, key]) => key);
  };
  t.deepEqual(await toldOf(changed), ['geo', 'limits.connections', 'limits.memory', 'probe.zone']);
  t.deepEqual(await toldOf(changed), ['geo', 'limits.connections', 'limits.memory', 'probe.zone']);
  t.deepEqual(await toldOf(config), []);
});

test('a reload that was refused shows until one holds', async (t) => {
  const gateway = await startGateway({ pools: { direct: { exits: [{ direct: true }] } } });
  t.teardown(() => gateway.stop());
  const file = join(gateway.folder, 'roundabout.yaml');
  const config = await readFile(file, 'utf8');
  const shown = async () => {
    const { stdout, stderr, code } = await gateway.command('health');
    const { reload } = JSON.parse((await gateway.command('health', '--json')).stdout);
    const page = parseExposition(await (await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`)).text());
    const metric = totalOf(page, 'roundabout_config_last_reload_successful');
    return { code, row: /^reload +(\S+)/m.exec(stdout)?.[1], stderr, fault: reload.fault ?? '', metric };
  };
  t.like(await shown(), { code: 0, row: 'ok', fault: '', metric: 1 });
  await writeFile(file, config.replace('{', '{"listenrs":[],'));
  gateway.signal('SIGHUP');
  await until(() => gateway.output().includes('reload refused'), 'refused');
  const refused = await shown();
  await writeFile(file, config);
  t.like(refused, { code: 0, row: 'refused:', metric: 0 });
  t.regex(refused.fault, /roundabout\.yaml:\d+:\d+ listenrs/);
  t.regex(refused.stderr, /the last reload was refused:\n.*listenrs/);
  gateway.signal('SIGHUP');
  await until(() => gateway.output().includes('are read again'), 'taken');
  t.like(await shown(), { code: 0, row: 'ok', fault: '', metric: 1 });
});

test('what single pools and certificates were found to have wrong shows for as long as they are as before', async (t) => {
  const exit = addressOf(exits[0]!);
  const { cert, key } = await testCertificate();
  const certificate = { cert: 'tls.crt', key: 'tls.key' };
  const gateway = await startGateway({
    config: { listeners: [{ name: 'tls', host: '127.0.0.1', port: 0, protocols: ['https'], certificate }] },
    pools: { listed: { exits: [{ list: 'listed.txt' }] } },
    files: { 'listed.txt': `${exit}\n`, 'tls.crt': cert, 'tls.key': key },
  });
  t.teardown(() => gateway.stop());
  const write = (file: string, text: string) => writeFile(join(gateway.folder, file), text);
  const shown = async () => {
    const { faults, reload } = await gateway.health();
    const page = parseExposition(await (await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`)).text());
    t.is(totalOf(page, 'roundabout_reload_faults'), faults.length);
    const [pool] = JSON.parse((await gateway.command('pool', 'list', '--json')).stdout);
    return { faults: faults.map((fault) => fault.replace(`${gateway.folder}/`, '')), reload, pool: pool.faults.length };
  };
  t.deepEqual(await shown(), { faults: [], reload: 'ok', pool: 0 });

  // A list that is read by itself; its pool, which is read again; and a pool that there isn't.
  await write('listed.txt', `${exit}\nno exit at all\n`);
  await until(async () => (await gateway.health()).faults.length === 1, 'the list has a fault');
  t.like(await shown(), { pool: 1, reload: 'ok' });
  await write('pools/new.yaml', 'pool: new\nexits: 7\n');
  await reload(gateway);
  const { faults } = await shown();
  t.is(faults.length, 2);
  t.regex(faults[0] ?? '', /^listed\.txt:2:1 /);
  t.regex(faults[1] ?? '', /^pools\/new\.yaml:2:8 exits /);
  const told = await gateway.command('health');
  t.is(told.code, 0);
  t.regex(told.stdout, /^faults +2$/m);
  t.true(told.stderr.includes('listed.txt:2:1 '));
  const list = await gateway.command('pool', 'list');
  t.regex(list.stdout, /^listed +faulty /m);
  t.regex(list.stderr, /^pool listed keeps what it had: see "roundabout pool show listed"$/m);
  t.regex((await gateway.command('pool', 'show', 'listed')).stdout, /^fault +\S+listed\.txt:2:1 /m);

  await write('listed.txt', `${exit}\n`);
  await until(async () => (await gateway.health()).faults.length === 1, 'the list is mended');
  t.is((await shown()).pool, 0);
  await write('pools/new.yaml', `pool: new\nexits: [{ url: "http://${exit}" }]\n`);
  await reload(gateway, 'new');
  t.deepEqual((await shown()).faults, []);

  await write('tls.crt', 'no certificate');
  await until(async () => (await gateway.health()).faults.length === 1, 'the certificate has a fault');
  t.regex(
    (await shown()).faults[0] ?? '',
    /^listener tls: certificate \S+ with key \S+ cannot be used \(ERR_OSSL_PEM_NO_START_LINE\); /,
  );
  await write('tls.crt', cert);
  await until(async () => (await gateway.health()).faults.length === 0, 'the certificate is as before');
});

test('that the file of a pool is gone which the config names shows until it is back, whatever else is read again', async (t) => {
  const [one, other] = exits;
  const gateway = await startGateway({
    pools: { named: { exits: [{ url: one!.url }] }, other: { exits: [{ url: other!.url }] } },
  });
  t.teardown(() => gateway.stop());
  const file = join(gateway.folder, 'pools', 'named.yaml');
  const text = await readFile(file, 'utf8');
  const standing = async () => (await gateway.health()).faults;
  await rm(file);
  t.is((await reload(gateway)).code, 2);
  const before = await standing();
  t.regex(before[0] ?? '', /roundabout\.yaml:\d+:\d+ defaultPool /);
  t.deepEqual(
    (await reload(gateway, 'other')).pools.map(({ pool, kept }) => [pool, kept]),
    [['other', 1]],
  );
  t.deepEqual(await standing(), before);
  await writeFile(file, text);
  t.is((await reload(gateway, 'named')).code, 0);
  t.deepEqual(await standing(), []);
});
