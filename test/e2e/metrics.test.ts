import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import test from 'ava';
import { basic, connectVia, forwardVia, open, socks5Via } from '../support/clients.ts';
import { goneBack, type Page, parseExposition, totalOf } from '../support/exposition.ts';
import { type AccessLine, type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { reset, startRefusing } from '../support/peers.ts';
import { answerWhen, until } from '../support/until.ts';

// What the page of metrics says is what was done, in every thread, and what the access log and health say.

const { version: packageVersion } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

let origin: Origin;

test.before(async () => {
  origin = await startOrigin();
});

test.after.always(() => origin.close());

const many = <Value>(count: number, make: () => Promise<Value>) => Promise.all(Array.from({ length: count }, make));

async function pageOf(gateway: Gateway): Promise<Page> {
  const reply = await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`);
  if (reply.status !== 200) throw new Error(`${reply.status}`);
  return parseExposition(await reply.text());
}

const pageWhen = (gateway: Gateway, holds: (page: Page) => boolean) => answerWhen(() => pageOf(gateway), holds);

/** Exchanges that go well and others that don't, of each mode: how many lines they leave in the log. */
async function useAll(gateway: Gateway): Promise<number> {
  const port = gateway.port();
  const closed = await startRefusing();
  const [login, dead] = [gateway.login(), gateway.login('tester', 'pool-dead-retry-1')];
  const wrong = { ...login, password: 'wrong' };
  const throughTunnel = async ({ socket }: { socket: Socket }) => {
    await forwardVia(port, '/bytes/100', { socket, fields: { Connection: 'close' } });
    socket.destroy();
  };
  const tunnel = (authority: string) => connectVia(port, authority, { login });
  const socks = (to: number) => socks5Via(port, { host: '127.0.0.1', port: to }, { login });
  const leave = async () => {
    const before = origin.requests.length;
    const socket = await open(port);
    socket.write(`GET ${origin.url}/hang HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${basic(login)}\r\n\r\n`);
    await until(() => origin.requests.length > before);
    reset(socket);
  };
  await many(12, () => forwardVia(port, `${origin.url}/echo`, { login, method: 'POST', content: 'x'.repeat(1_000) }));
  await many(3, () => forwardVia(port, `${origin.url}/cut/1000`, { login }));
  await many(2, () => forwardVia(port, `${origin.url}/`, { login: wrong }));
  await many(4, () => forwardVia(port, `${origin.url}/`, { login: dead }));
  await leave();
  await many(5, async () => throughTunnel(await tunnel(`127.0.0.1:${origin.port}`)));
  await many(2, () => tunnel(`127.0.0.1:${closed.port}`));
  await many(3, () => tunnel('169.254.169.254:80'));
  await many(6, async () => throughTunnel(await socks(origin.port)));
  await many(2, () => socks(closed.port));
  await closed.close();
  return 12 + 3 + 2 + 4 + 1 + 5 + 2 + 3 + 6 + 2;
}

const modeOf = ({ method }: AccessLine) =>
  method === 'CONNECT' ? 'connect' : method === 'SOCKS5' ? 'socks5' : 'forward';

const modes = ['forward', 'connect', 'socks5'] as const;

test('the page says what was done, as the access log and health do', async (t) => {
  const gone = await Promise.all([1, 2].map(() => startRefusing()));
  t.teardown(() => Promise.all(gone.map((peer) => peer.close())));
  const gateway = await startGateway({
    config: { workers: 2 },
    pools: {
      direct: { exits: [{ direct: true }] },
      dead: { exits: gone.map((peer) => ({ url: `http://127.0.0.1:${peer.port}` })) },
    },
  });
  t.teardown(() => gateway.stop());
  const lines = await gateway.accessLog(await useAll(gateway));
  const page = await pageOf(gateway);
  const ended = (mode: string, kind: string) => totalOf(page, 'roundabout_exchanges_total', { mode, kind });

  t.deepEqual(
    modes.map((mode) => [ended(mode, 'ok'), totalOf(page, 'roundabout_exchanges_cut_total', { mode })]),
    [
      [15, 3],
      [5, 0],
      [6, 0],
    ],
  );
  t.deepEqual(
    [ended('forward', 'auth_failed'), ended('forward', 'exit_refused'), ended('forward', 'client_left')],
    [2, 4, 1],
  );
  t.deepEqual([ended('connect', 'origin_refused'), ended('connect', 'target_ip_forbidden')], [2, 3]);
  t.is(ended('socks5', 'origin_refused'), 2);
  t.is(ended('socks5', 'deadline'), 0);
  t.is(totalOf(page, 'roundabout_exchanges_total'), lines.length);

  for (const mode of modes) {
    const own = lines.filter((line) => modeOf(line) === mode);
    for (const [kind, all] of Map.groupBy(own, (line) => String(line.kind))) t.is(ended(mode, kind), all.length, kind);
    for (const phase of ['admit', 'attempt', 'relay']) {
      const took = own
        .map(({ phasesMs }) => (phasesMs as Record<string, number>)[phase])
        .filter((ms) => ms !== undefined);
      const told = (part: string, labels = {}) =>
        totalOf(
          page,
          'roundabout_exchange_phase_seconds',
          { mode, phase, ...labels },
          `roundabout_exchange_phase_seconds_${part}`,
        );
      t.is(told('count'), took.length);
      for (const le of ['0.001', '0.016', '1.024']) {
        // The log rounds to the microsecond.
        const [least, most] = [-1e-3, 1e-3].map((by) => took.filter((ms) => ms <= Number(le) * 1e3 + by).length);
        t.true(least! <= told('bucket', { le }) && told('bucket', { le }) <= most!, `${mode} ${phase} ${le}`);
      }
      t.true(Math.abs(told('sum') - took.reduce((sum, ms) => sum + ms, 0) / 1e3) < 1e-6 * (1 + took.length));
    }
  }

  const attempts = lines.flatMap((line) => line.attempts as readonly { readonly kind: string }[]);
  for (const [kind, all] of Map.groupBy(attempts, (attempt) => attempt.kind))
    t.is(totalOf(page, 'roundabout_attempts_total', { kind }), all.length, kind);
  t.is(totalOf(page, 'roundabout_attempts_total', { kind: 'exit_refused' }), 8);

  for (const [direction, member] of [
    ['client_to_origin', 'clientToOrigin'],
    ['origin_to_client', 'originToClient'],
  ] as const) {
    const octetsOf = (some: readonly AccessLine[]) => some.reduce((sum, line) => sum + Number(line[member]), 0);
    t.true(octetsOf(lines) > 0);
    t.is(totalOf(page, 'roundabout_exchange_bytes_total', { direction }), octetsOf(lines));
    for (const pool of ['direct', 'dead']) {
      const own = lines.filter((line) => line.pool === pool);
      t.is(totalOf(page, 'roundabout_pool_bytes_total', { pool, direction }), octetsOf(own));
      t.is(totalOf(page, 'roundabout_pool_exchanges_total', { pool }), own.length);
    }
  }
  t.is(totalOf(page, 'roundabout_pool_exchanges_total', { pool: 'dead', by: 'exit' }), 4);
  t.is(totalOf(page, 'roundabout_pool_exits', { pool: 'dead' }), 2);

  const { exchanges } = await gateway.health();
  for (const [kind, count] of Object.entries(exchanges.byKind))
    t.is(totalOf(page, 'roundabout_exchanges_total', { kind }), count);
});

test('the page says what is open now, and of what the gateway is made', async (t) => {
  const gateway = await startGateway({ config: { workers: 2 }, pools: { direct: { exits: [{ direct: true }] } } });
  t.teardown(() => gateway.stop());
  const before = await pageOf(gateway);
  const login = gateway.login('tester', 'session-a');
  const tunnels = await many(20, () => connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login }));
  const isNative = before.get('roundabout_build_info')?.samples[0]?.labels.relay === 'native';
  // The session is booked, and tunnels are handed over, a moment after their clients were told of them.
  const page = await pageWhen(
    gateway,
    (now) =>
      totalOf(now, 'roundabout_sessions_held') === 1 &&
      totalOf(now, 'roundabout_native_relay_tunnels') === (isNative ? 20 : 0),
  );
  const value = (name: string, labels = {}) => totalOf(page, `roundabout_${name}`, labels);

  t.is(value('sessions_held'), 1);
  t.is(value('exchanges_open'), 20);
  t.is(value('connections_open'), 20);
  t.is(page.get('roundabout_connections_open')?.samples.length, 2);
  t.true(value('descriptors_open') >= totalOf(before, 'roundabout_descriptors_open') + 40);
  t.true(value('descriptors_open') < value('descriptors_limit'));
  t.true(value('connections_limit') > 20);
  t.is(value('native_relay_tunnels'), isNative ? 20 : 0);
  t.is(value('workers_running'), 2);
  for (const name of ['sessions_evicted', 'sessions_refused', 'workers_replaced', 'connections_refused'])
    t.is(value(`${name}_total`), 0);
  for (const name of ['dropped_lines', 'failed_writes']) t.is(value(`access_log_${name}_total`), 0);
  for (const thread of ['control', 'worker-1', 'worker-2']) t.true(value('event_loop_seconds_total', { thread }) > 0);
  t.is(value('build_info', { version: packageVersion }), 1);
  t.true(Math.abs(value('start_time_seconds') - Date.now() / 1e3) < 600);

  // Looked at four times a second, in both threads.
  const looksIn = (now: Page, thread: string) =>
    now
      .get('roundabout_event_loop_lag_seconds')
      ?.samples.find(({ name, labels }) => name.endsWith('_count') && labels['thread'] === thread)?.value ?? 0;
  const looked = (now: Page) => looksIn(now, 'worker-1') > 0 && looksIn(now, 'worker-2') > 0;
  t.true(looked(await pageWhen(gateway, looked)));

  for (const { socket } of tunnels) socket.destroy();
  const after = await pageWhen(
    gateway,
    (now) =>
      totalOf(now, 'roundabout_exchanges_total', { kind: 'ok' }) === 20 &&
      totalOf(now, 'roundabout_exchanges_open') === 0,
  );
  t.is(totalOf(after, 'roundabout_exchanges_total', { kind: 'ok' }), 20);
  t.is(totalOf(after, 'roundabout_exchanges_open'), 0);
  t.deepEqual(goneBack(before, after), []);
});
