import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ResolveFailure } from '../../src/transport/dns-query.ts';
import { parseHosts } from '../../src/transport/hosts-file.ts';
import { createResolver, type Resolver } from '../../src/transport/resolver.ts';
import { type DnsReply, type DnsServer, startDnsServer } from './dns-server.ts';

const NXDOMAIN = { rcode: 3 };
const SERVFAIL = { rcode: 2 };
const NOTHING = { addresses: [] };

interface Bench {
  readonly server: DnsServer;
  readonly resolver: Resolver;
  readonly clock: { ms: number };
  answer: (name: string, family: 4 | 6) => DnsReply | Promise<DnsReply>;
}

async function bench(t: ExecutionContext, options: { hostsFile?: string; timeoutMs?: number } = {}): Promise<Bench> {
  const clock = { ms: 1_000_000 };
  const server = await startDnsServer((name, family) => made.answer(name, family));
  const resolver = createResolver({
    now: () => clock.ms,
    random: () => 0,
    servers: [server.address],
    hostsFile: '',
    timeoutMs: 30_000,
    ...options,
  });
  t.teardown(async () => {
    resolver.close();
    await server.close();
  });
  const made: Bench = { server, resolver, clock, answer: () => NXDOMAIN };
  return made;
}

async function failure(t: ExecutionContext, promise: Promise<unknown>): Promise<string> {
  const error = await t.throwsAsync(promise, { instanceOf: ResolveFailure });
  return error.code;
}

test('both families are asked at once, and IPv6 stands first', async (t) => {
  const b = await bench(t);
  b.answer = (_, family) => ({ addresses: family === 4 ? ['192.0.2.1'] : ['2001:db8::1'] });
  t.deepEqual(await b.resolver.resolve('both.test', 0), ['2001:db8::1', '192.0.2.1']);
  t.deepEqual(b.server.questions.sort(), ['4 both.test', '6 both.test']);
  t.deepEqual(await b.resolver.resolve('both.test', 4), ['192.0.2.1']);
  t.deepEqual(await b.resolver.resolve('both.test', 6), ['2001:db8::1']);
  t.is(b.server.questions.length, 2, 'each family is cached on its own');
});

test('an answer serves for its TTL, at least a second and at most five minutes', async (t) => {
  for (const [ttl, usedMs] of [
    [0, 1000],
    [30, 30_000],
    [86_400, 300_000],
  ] as const) {
    const b = await bench(t);
    b.answer = () => ({ addresses: ['192.0.2.1'], ttl });
    await b.resolver.resolve('ttl.test', 4);
    b.clock.ms += usedMs - 1;
    b.answer = () => ({ addresses: ['192.0.2.2'], ttl });
    t.deepEqual(await b.resolver.resolve('ttl.test', 4), ['192.0.2.1'], `TTL ${ttl}`);
    b.clock.ms += 1;
    t.deepEqual(await b.resolver.resolve('ttl.test', 4), ['192.0.2.2'], `after TTL ${ttl}`);
  }
});

test('one query is in flight per name and family', async (t) => {
  const b = await bench(t);
  b.answer = () => ({ addresses: ['192.0.2.1'] });
  await Promise.all(Array.from({ length: 50 }, () => b.resolver.resolve('busy.test', 4)));
  t.deepEqual(b.server.questions, ['4 busy.test']);
});

test('a name without addresses is not found, for five seconds', async (t) => {
  const b = await bench(t);
  t.is(await failure(t, b.resolver.resolve('none.test', 0)), 'not_found');
  b.answer = (_, family) => (family === 4 ? { addresses: ['192.0.2.1'] } : NOTHING);
  b.clock.ms += 4999;
  t.is(await failure(t, b.resolver.resolve('none.test', 0)), 'not_found');
  b.clock.ms += 1;
  t.deepEqual(await b.resolver.resolve('none.test', 0), ['192.0.2.1']);
  t.is(await failure(t, b.resolver.resolve('none.test', 6)), 'not_found');
});

test('a server failure is no denial: failed, and stronger than the other family not found', async (t) => {
  const b = await bench(t);
  b.answer = () => SERVFAIL;
  t.is(await failure(t, b.resolver.resolve('broken.test', 0)), 'failed');
  b.answer = (_, family) => (family === 6 ? NOTHING : SERVFAIL);
  t.is(await failure(t, b.resolver.resolve('half.test', 0)), 'failed');
});

test('the last good answer serves for an hour while the servers fail, and nobody waits for them twice', async (t) => {
  const b = await bench(t, { timeoutMs: 2_000 });
  b.answer = () => ({ addresses: ['192.0.2.1'], ttl: 10 });
  await b.resolver.resolve('stale.test', 4);
  b.answer = () => SERVFAIL;
  b.clock.ms += 20_000;
  t.deepEqual(await b.resolver.resolve('stale.test', 4), ['192.0.2.1']);
  b.clock.ms += 6000;
  b.answer = () => 'silence';
  t.deepEqual(
    await b.resolver.resolve('stale.test', 4),
    ['192.0.2.1'],
    'known to fail: asked anew, but not waited for',
  );
  b.clock.ms += 3_600_000;
  t.is(await failure(t, b.resolver.resolve('stale.test', 4)), 'timeout');
});

test('a denial ends the last good answer', async (t) => {
  const b = await bench(t);
  b.answer = () => ({ addresses: ['192.0.2.1'], ttl: 1 });
  await b.resolver.resolve('gone.test', 4);
  b.clock.ms += 2000;
  b.answer = () => NXDOMAIN;
  t.is(await failure(t, b.resolver.resolve('gone.test', 4)), 'not_found');
});

test('silent servers are given up within the deadline', async (t) => {
  const b = await bench(t, { timeoutMs: 300 });
  b.answer = () => 'silence';
  const startedAt = performance.now();
  t.is(await failure(t, b.resolver.resolve('silent.test', 0)), 'timeout');
  t.true(performance.now() - startedAt < 25_000);
});

test('a hanging AAAA does not hold A', async (t) => {
  const b = await bench(t);
  b.answer = (_, family) => (family === 4 ? { addresses: ['192.0.2.1'] } : 'silence');
  const startedAt = performance.now();
  t.deepEqual(await b.resolver.resolve('slow6.test', 0), ['192.0.2.1']);
  t.true(performance.now() - startedAt < 15_000);
});

test('a hanging A does not hold AAAA', async (t) => {
  const b = await bench(t);
  b.answer = (_, family) => (family === 6 ? { addresses: ['2001:db8::1'] } : 'silence');
  t.deepEqual(await b.resolver.resolve('slow4.test', 0), ['2001:db8::1']);
});

test('of many addresses 64 are kept', async (t) => {
  const b = await bench(t);
  const addresses = Array.from({ length: 500 }, (_, i) => `198.18.${i >> 8}.${i & 255}`);
  b.answer = () => ({ addresses });
  const found = await b.resolver.resolve('many.test', 4);
  t.deepEqual(found, addresses.slice(0, 64));
});

test('a waiter can leave; the query goes on for the others', async (t) => {
  const b = await bench(t);
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<DnsReply>();
  b.answer = () => {
    asked.resolve();
    return answer.promise;
  };
  const controller = new AbortController();
  const leaving = b.resolver.resolve('wait.test', 4, controller.signal);
  const staying = b.resolver.resolve('wait.test', 4);
  await asked.promise;
  const reason = new Error('left');
  controller.abort(reason);
  t.is(await t.throwsAsync(leaving), reason);
  answer.resolve({ addresses: ['192.0.2.1'] });
  t.deepEqual(await staying, ['192.0.2.1']);
});

test('the addresses of a name are rotated', async (t) => {
  const b = await bench(t);
  b.answer = () => ({ addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'] });
  const numbers = [0.4, 0.9];
  const resolver = createResolver({
    now: () => 0,
    random: () => numbers.shift() ?? 0,
    servers: [b.server.address],
    hostsFile: '',
    timeoutMs: 30_000,
  });
  t.teardown(() => resolver.close());
  t.deepEqual(await resolver.resolve('turn.test', 4), ['192.0.2.2', '192.0.2.3', '192.0.2.1']);
  t.deepEqual(await resolver.resolve('turn.test', 4), ['192.0.2.3', '192.0.2.1', '192.0.2.2']);
});

test('the cache is bounded, and forgets what was not used longest', async (t) => {
  const b = await bench(t);
  b.answer = () => ({ addresses: ['192.0.2.1'], ttl: 300 });
  await b.resolver.resolve('kept.test', 4);
  await b.resolver.resolve('lost.test', 4);
  for (let i = 0; i < 10_000; i += 50) {
    await b.resolver.resolve('kept.test', 4);
    await Promise.all(Array.from({ length: 50 }, (_, j) => b.resolver.resolve(`n${i + j}.test`, 4)));
  }
  const asked = b.server.questions.length;
  await b.resolver.resolve('kept.test', 4);
  t.is(b.server.questions.length, asked);
  await b.resolver.resolve('lost.test', 4);
  t.is(b.server.questions.length, asked + 1);
});

test('the hosts file comes first, is followed as it changes, and localhost never leaves the machine', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-hosts-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const hostsFile = join(folder, 'hosts');
  await writeFile(hostsFile, '192.0.2.7 listed.test Alias.test # a note\n2001:db8::7 listed.test\n');
  const b = await bench(t, { hostsFile });

  t.deepEqual(await b.resolver.resolve('listed.test', 0), ['2001:db8::7', '192.0.2.7']);
  t.deepEqual(await b.resolver.resolve('alias.test', 4), ['192.0.2.7']);
  t.is(await failure(t, b.resolver.resolve('alias.test', 6)), 'not_found');
  t.deepEqual(await b.resolver.resolve('localhost', 0), ['::1', '127.0.0.1']);
  t.deepEqual(await b.resolver.resolve('any.localhost', 4), ['127.0.0.1']);

  await writeFile(hostsFile, '192.0.2.8 listed.test\n');
  await utimes(hostsFile, 1, 1);
  b.clock.ms += 999;
  t.deepEqual(await b.resolver.resolve('listed.test', 4), ['192.0.2.7']);
  b.clock.ms += 1;
  t.deepEqual(await b.resolver.resolve('listed.test', 4), ['192.0.2.8']);
  await rm(hostsFile);
  b.clock.ms += 1000;
  t.is(await failure(t, b.resolver.resolve('listed.test', 4)), 'not_found');
  t.deepEqual(b.server.questions, ['4 listed.test'], 'only what the file no longer lists');
});

test('lines of a hosts file that list nothing are passed over', (t) => {
  const hosts = parseHosts('\n# 1.2.3.4 a\nname 1.2.3.4\nfe80::1%lo0 zone\n::1\tb  c\r\n127.0.0.1 b #c\n1.1.1.1\n');
  t.deepEqual(
    [...hosts],
    [
      ['b', ['::1', '127.0.0.1']],
      ['c', ['::1']],
    ],
  );
});

test('a name that is none is not found', async (t) => {
  const b = await bench(t);
  t.is(await failure(t, b.resolver.resolve('a..b', 4)), 'not_found');
  t.is(await failure(t, b.resolver.resolve(`${'a'.repeat(64)}.test`, 4)), 'not_found');
});
