import { connect, createServer } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import test from 'ava';
import { type Answer, type Connected, connectVia, forwardVia } from '../support/clients.ts';
import { type Exit, startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { keepPeers, listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

const { keep, closeAll } = keepPeers();
let gateway: Gateway;
let origin: Origin;
let vendor: Exit;
let dying: readonly Exit[];

const startExits = (count: number) =>
  Promise.all(Array.from({ length: count }, async () => keep(await startHttpExit())));

test.before(async () => {
  origin = keep(await startOrigin());
  vendor = keep(await startHttpExit());
  const four = await startExits(4);
  const slow = await startSlowWay(four[0]!);
  dying = await startExits(6);
  const template = `http://user-cc-{country}-sid-{session}:secret@127.0.0.1:${vendor.port}`;
  const entries = (exits: readonly { url: string }[]) => exits.map(({ url }) => ({ url }));
  gateway = await startGateway({
    config: { timeouts: { dial: '20s', firstByte: '20s' } },
    clients: { tester: [], other: [] },
    pools: {
      placed: {
        strategy: 'random',
        exits: four.map(({ url }, i) => ({ url, country: ['us', 'us', 'de', 'fr'][i], ip: i === 3 ? 6 : 4 })),
      },
      phones: { tier: 'mobile', exits: entries(four.slice(0, 1)) },
      slots: { strategy: 'round-robin', exits: [{ template, countries: ['us', 'de'], slots: 3 }] },
      minted: { exits: [{ template, countries: ['us', 'de'] }] },
      dying: { exits: entries(dying) },
      random: { strategy: 'random', exits: entries(four) },
      robin: { strategy: 'round-robin', exits: entries(four) },
      least: { strategy: 'least-in-flight', exits: entries(four) },
      two: { strategy: 'two-choices', exits: entries([slow, ...four.slice(1)]) },
    },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await closeAll();
});

/** An exit that is far away: each connection to it waits before it is served. */
async function startSlowWay({ port }: Exit): Promise<{ url: string }> {
  const server = createServer((socket) => {
    const timer = setTimeout(
      () =>
        socket
          .pipe(connect(port, '127.0.0.1'))
          .on('error', () => {})
          .pipe(socket),
      // Slower than a busy machine makes the others.
      5_000,
    );
    socket.once('close', () => clearTimeout(timer));
  });
  const peer = keep(await listen(server));
  return { url: `http://127.0.0.1:${peer.port}` };
}

const get = (parameters: string, client = 'tester'): Promise<Answer> =>
  forwardVia(gateway.port(), `${origin.url}/echo?${parameters}`, { login: gateway.login(client, parameters) });

/** The id of the exit that served a request with these parameters, or the kind of the failure. */
async function exitOf(parameters: string, client?: string): Promise<string> {
  const { status, reason, headers } = await get(parameters, client);
  return status === 200 ? String(headers['roundabout-exit']).split(';')[0]! : reason;
}

const exitsOf = (parameters: string, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => exitOf(parameters)));

/** The session ids that the vendor saw for requests with these parameters, in order. */
const mintedFor = (parameters: string): string[] =>
  vendor.requests.filter(({ target }) => target.endsWith(`?${parameters}`)).map(({ username }) => username);

async function listed(pool: string): Promise<{ id: string; endpoint: string; country?: string }[]> {
  return JSON.parse((await gateway.command('exit', 'list', '--pool', pool, '--json')).stdout);
}

test.serial('requests of one session that begin together share one exit, and keep it', async (t) => {
  const shared = await Promise.all(Array.from({ length: 20 }, (_, i) => exitsOf(`pool-placed-session-s${i}`, 10)));
  for (const exits of shared) t.is(new Set(exits).size, 1);
  t.true(new Set(shared.flat()).size > 1);
  for (const [i, [exit]] of shared.entries()) t.is(await exitOf(`pool-placed-session-s${i}`), exit!);
  const tunnel = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, {
    login: gateway.login('tester', 'pool-placed-session-s0'),
  });
  t.true(tunnel.head.includes(`Roundabout-Exit: ${shared[0]![0]}`));
  t.true(tunnel.head.includes('Roundabout-Session: s0\r\n'));
  tunnel.socket.destroy();
});

test.serial('a request goes only where its parameters say', async (t) => {
  const exits = await listed('placed');
  const ids = (...countries: string[]) =>
    exits.flatMap(({ id, country = '' }) => (countries.includes(country) ? id : [])).sort();
  const seen = async (parameters: string) => [...new Set(await exitsOf(parameters, 40))].sort();
  t.deepEqual(await seen('pool-placed-country-us'), ids('us'));
  t.deepEqual(await seen('pool-placed-country-us.de'), ids('us', 'de'));
  t.deepEqual(await seen('pool-placed-country-jp'), ['no_exit_for_target']);
  const [first] = ids('us');
  t.deepEqual(await seen(`pool-placed-exit-${first}`), [first!]);
  t.deepEqual(await seen(`pool-placed-exit-${first}-country-de`), ['no_exit_for_target']);
  t.deepEqual(
    await seen(`pool-placed-not-${first}`),
    ids('us', 'de', 'fr').filter((id) => id !== first),
  );
  t.deepEqual(await seen('pool-placed-ip-6'), ids('fr'));
  t.deepEqual(
    await seen('tier-mobile'),
    (await listed('phones')).map(({ id }) => id),
  );
  t.deepEqual(await seen('pool-nowhere'), ['bad_param']);
  t.deepEqual(await seen('tier-isp'), ['no_exit']);
});

test.serial('a session moves where its exit no longer fits the request, and a strict one is lost', async (t) => {
  for (const strict of ['', '-strict-1']) {
    const session = `pool-placed-session-fits${strict ? 'strictly' : ''}${strict}`;
    const exit = await exitOf(session);
    const away = await exitOf(`${session}-not-${exit}`);
    if (strict) {
      t.is(away, 'session_lost');
      const { detail } = JSON.parse(String((await get(`${session}-not-${exit}`)).content));
      t.regex(detail, /none that this request asks for, take another session name/);
      t.is(await exitOf(session), exit);
      continue;
    }
    t.not(away, exit);
    t.is(await exitOf(session), away);
  }
});

test.serial('sessions end by ttl and by idleness, and then begin anew', async (t) => {
  const login = (name: string) => `pool-minted-session-${name}`;
  const [ttl, idle, both] = [`${login('a')}-ttl-6s`, `${login('b')}-idle-4s`, `${login('c')}-ttl-6s-idle-7s`];
  const begun = performance.now();
  await Promise.all([get(ttl), get(idle), get(both)]);
  // Use keeps an idle limit away, but no ttl.
  for (let i = 0; i < 8; i++) {
    await rest(900);
    const elapsed = performance.now() - begun;
    await Promise.all([get(idle), ...(elapsed < 2_500 ? [get(both), get(ttl)] : [])]);
  }
  t.is(new Set(mintedFor(idle)).size, 1);
  t.is(new Set(mintedFor(both)).size, 1);
  t.is(new Set(mintedFor(ttl)).size, 1);
  await Promise.all([get(ttl), get(both)]);
  t.is(new Set(mintedFor(ttl)).size, 2);
  t.is(new Set(mintedFor(both)).size, 2);
  await rest(4_100);
  await get(idle);
  t.is(new Set(mintedFor(idle)).size, 2);
});

test.serial('a session is not idle while a tunnel of it lasts', async (t) => {
  const login = 'pool-minted-session-tunnelled-idle-6s';
  await get(login);
  const { status, socket } = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, {
    login: gateway.login('tester', login),
  });
  t.is(status, 200);
  await rest(9_000);
  await get(login);
  t.is(new Set(mintedFor(login)).size, 1, 'though nothing passes');
  socket.destroy();
  const held = async () => JSON.parse((await gateway.command('session', 'list', '--json')).stdout).sessions;
  await until(async () => !(await held()).some(({ session }: { session: string }) => session === 'tunnelled'));
  await get(login);
  t.is(new Set(mintedFor(login)).size, 2);
});

test.serial('a template mints an exit for each session, or for each slot', async (t) => {
  for (const client of ['tester', 'other']) {
    for (const name of ['a', 'b']) for (let i = 0; i < 3; i++) await get(`pool-minted-session-m${name}`, client);
  }
  const minted = ['a', 'b'].map((name) => mintedFor(`pool-minted-session-m${name}`));
  t.deepEqual(
    minted.map((names) => new Set(names).size),
    [2, 2],
  );
  t.is(new Set(minted.flat()).size, 4);
  for (const name of minted.flat()) t.regex(name, /^user-cc-(us|de)-sid-[a-z2-7]{16}$/);
  for (let i = 0; i < 10; i++) await get('pool-minted-country-de');
  t.is(new Set(mintedFor('pool-minted-country-de')).size, 10);
  t.true(mintedFor('pool-minted-country-de').every((name) => name.startsWith('user-cc-de-')));
  for (let i = 0; i < 12; i++) await get('pool-slots');
  t.is(new Set(mintedFor('pool-slots')).size, 6);
  t.is((await listed('slots')).length, 6);
});

test.serial('a session moves when its exit fails and stays where it went; a strict one is lost', async (t) => {
  const byEndpoint = new Map((await listed('dying')).map(({ id, endpoint }) => [endpoint, id]));
  const moving = 'pool-dying-session-moving';
  const strict = 'pool-dying-session-strict-strict-1';
  const later = 'pool-dying-session-later';
  const closeExitOf = (id: string) => dying.find(({ url }) => byEndpoint.get(url) === id)!.close();
  const first = await exitOf(moving);
  await closeExitOf(first);
  const moved = new Set(await exitsOf(moving, 20));
  t.is(moved.size, 1);
  t.false(moved.has(first));
  const pinned = await exitOf(`${strict}-not-${first}`);
  const other = await exitOf(`${later}-not-${pinned}`);
  await closeExitOf(pinned);
  t.deepEqual(await exitsOf(strict, 3), Array(3).fill('session_lost'));
  // What is asked now counts, whatever was asked when the session began.
  await closeExitOf(other);
  t.is(await exitOf(`${later}-strict-1`), 'session_lost');
  t.not(await exitOf(later), 'session_lost');
});

test.serial('rotation follows the strategy of the pool', async (t) => {
  const inTurn = async (pool: string, count: number) => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) ids.push(await exitOf(`pool-${pool}`));
    return ids;
  };
  const counts = (ids: readonly string[]) => Map.groupBy(ids, (id) => id);
  // Each worker takes turns by itself: whichever serves a request, no exit is ever far behind another.
  const robin = counts(await inTurn('robin', 40));
  t.deepEqual(
    [...robin.values()].map(({ length }) => Math.abs(length - 10) <= 2),
    [true, true, true, true],
  );

  const random = await inTurn('random', 120);
  for (const id of new Set(random)) t.true(counts(random).get(id)!.length > 10);
  t.is(new Set(random).size, 4);
  t.notDeepEqual(random.slice(4, 24), random.slice(0, 20));

  // One after another: two threads that choose at the same moment may choose the same.
  const tunnels: Connected[] = [];
  for (const login = gateway.login('tester', 'pool-least'); tunnels.length < 12; )
    tunnels.push(await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login }));
  const held = tunnels.map(({ head }) => /Roundabout-Exit: (\w+)/.exec(head)?.[1] ?? '');
  t.deepEqual(
    [...counts(held).values()].map(({ length }) => length),
    [3, 3, 3, 3],
  );
  for (const { socket } of tunnels) socket.destroy();

  const two = counts(await inTurn('two', 100));
  const slow = (await listed('two'))[0]!;
  t.true((two.get(slow.id)?.length ?? 0) <= 10);
  t.is([...two.keys()].filter((id) => id !== slow.id).length, 3);
});
