import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { FetchedSource } from '../../src/pool/fetched-source.ts';
import type { PlacedSource } from '../../src/pool/placed-source.ts';
import { HostPace } from '../../src/sources/host-pace.ts';
import { SourceRefresh } from '../../src/sources/source-refresh.ts';
import { copyPath, ListCopies } from '../../src/store/list-copies.ts';
import { type ListAnswer, startListServer, tagged } from '../support/list-server.ts';

const hour = 3_600_000;
const addresses = (count: number) => Array.from({ length: count }, (_, i) => `192.0.2.${i}:80\n`).join('');

/** A source, asked when the test says so, at the time that it says. `again` is its successor after a restart. */
async function scene(t: ExecutionContext, answer: ListAnswer, more: Partial<FetchedSource> = {}) {
  const server = await startListServer(answer);
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-refresh-'));
  t.teardown(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
  const clock = { now: 1_000_000_000 };
  const said: string[] = [];
  const changed: string[] = [];
  const copies = new ListCopies(folder);
  const again = (definition = 'one', terms = more) => {
    const source: FetchedSource = {
      refreshMs: hour,
      timeoutMs: 5_000,
      shrink: 'refuse',
      from: { kind: 'list', url: `${server.url}/list`, headers: {} },
      ...terms,
    };
    const entry = { kind: 'fetched', source, format: 'auto', scheme: 'http' } as PlacedSource['entry'];
    const placed = { key: 'k', definition, pool: 'p', shown: 'list', place: 'p.yaml:1:1', entry };
    const refresh = new SourceRefresh(placed, {
      copies,
      pace: new HostPace(),
      folder,
      env: {},
      wallTime: () => clock.now,
      random: () => 0.5,
      warn: (line) => said.push(line),
      onChange: (pool) => changed.push(pool),
    });
    t.teardown(() => refresh.stop());
    return refresh;
  };
  return { server, folder, clock, said, changed, again, refresh: again() };
}

const fail =
  (status: number, fields = {}): ListAnswer =>
  (_, response) =>
    response.writeHead(status, fields).end();

test('a program that fails alike is told of once, though its words are others each time', async (t) => {
  const argv = ['/bin/sh', '-c', 'echo "process $$ has no key" >&2; exit 1'];
  const { refresh, said, clock } = await scene(t, '', { from: { kind: 'command', argv, env: {} } });
  await refresh.refresh();
  const { failure, failingSince } = refresh.state;
  t.regex(failure ?? '', /^it ended with code 1: process \d+ has no key$/);
  clock.now += 1_000;
  await refresh.refresh();
  t.not(refresh.state.failure, failure);
  t.like(refresh.state, { failures: 2, failingSince, hasCopy: false });
  t.is(said.length, 1, said.join('\n'));
});

test('what fails is tried again after twice as long each time, but no later than it is refreshed anyway', async (t) => {
  const { server, clock, refresh, said } = await scene(t, fail(503));
  const waits: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    await refresh.refresh();
    waits.push(refresh.state.nextAt - clock.now);
  }
  t.deepEqual(waits.slice(0, 4), [5_000, 10_000, 20_000, 40_000]);
  t.is(waits.at(-1), hour);
  t.is(said.length, 1, 'what goes on failing alike is told once');
  server.answer = addresses(3);
  await refresh.refresh();
  t.like(refresh.state, { failure: null, exits: 3, nextAt: clock.now + hour });
  server.answer = fail(503);
  await refresh.refresh();
  t.is(refresh.state.nextAt - clock.now, 5_000);
});

test('who asks to be left alone is', async (t) => {
  const { clock, refresh } = await scene(t, fail(429, { 'Retry-After': '7200' }));
  await refresh.refresh();
  t.is(refresh.state.nextAt - clock.now, 2 * hour);
});

test('a copy is asked for again when it is due, also over a restart, and what is unchanged is fresh again', async (t) => {
  const { server, clock, refresh, again, changed } = await scene(t, tagged(addresses(4), '"a"'));
  await refresh.refresh();
  clock.now += hour / 2;
  const next = again();
  t.like(next.state, { exits: 4, nextAt: clock.now + hour / 2, confirmedAt: clock.now - hour / 2 });
  next.start();
  t.is(server.requests.length, 1);
  await next.refresh();
  t.is(server.requests[1]?.headers['if-none-match'], '"a"');
  t.like(next.state, { confirmedAt: clock.now, failure: null, nextAt: clock.now + hour });
  t.deepEqual(changed, ['p']);
  // The clock was put back by a year.
  clock.now -= 365 * 24 * hour;
  t.true(again().state.nextAt <= clock.now + hour);
});

test('a list whose copy can’t be kept is asked for anew', async (t) => {
  const { server, folder, refresh, changed } = await scene(t, tagged(addresses(4), '"a"'));
  const inItsPlace = copyPath(folder, 'k');
  mkdirSync(inItsPlace);
  await refresh.refresh();
  t.not(refresh.state.failure, null);
  t.is(refresh.state.exits, null);
  rmdirSync(inItsPlace);
  await refresh.refresh();
  t.is(server.requests[1]?.headers['if-none-match'], undefined);
  t.like(refresh.state, { failure: null, exits: 4 });
  t.deepEqual(changed, ['p']);
});

test('a disk that is full is not told as the source’s fault', async (t) => {
  if (!existsSync('/dev/full')) return t.pass('this system has no such device');
  const { folder, refresh } = await scene(t, addresses(4));
  symlinkSync('/dev/full', join(dirname(copyPath(folder, 'k')), 'k.1.new'));
  await refresh.refresh();
  t.is(refresh.state.failure, 'its copy cannot be kept: the disk is full (ENOSPC)');
  await refresh.refresh();
  t.like(refresh.state, { failure: null, exits: 4 });
});

test('another definition is asked for anew, and measured by nothing before; its old copy serves until then', async (t) => {
  const { server, clock, refresh, again } = await scene(t, tagged(addresses(10), '"a"'));
  await refresh.refresh();
  const next = again('two');
  t.like(next.state, { exits: 10, nextAt: clock.now });
  server.answer = addresses(2);
  await next.refresh();
  t.is(server.requests.at(-1)?.headers['if-none-match'], undefined);
  t.like(next.state, { exits: 2, failure: null });
});

test('a list that has shrunk is believed where that is allowed', async (t) => {
  const { server, refresh, again, changed } = await scene(t, addresses(10));
  await refresh.refresh();
  server.answer = addresses(5);
  await refresh.refresh();
  t.like(refresh.state, { exits: 5, failure: null }, 'half is enough');
  server.answer = addresses(1);
  await refresh.refresh();
  t.regex(refresh.state.failure ?? '', /names 1 exits where it named 5/);
  const allowed = again('one', { shrink: 'allow' });
  await allowed.refresh();
  t.like(allowed.state, { exits: 1, failure: null });
  server.answer = '# none today\n';
  await allowed.refresh();
  t.like(allowed.state, { exits: 0, failure: null });
  t.is(changed.length, 4);
});

test('an exit that is named again and again is one exit, and hides no shrinking', async (t) => {
  const { server, refresh, changed } = await scene(t, addresses(10));
  await refresh.refresh();
  // As an API does that answers its first page for every other.
  server.answer = addresses(2).repeat(5);
  await refresh.refresh();
  t.regex(refresh.state.failure ?? '', /names 2 exits where it named 10/);
  server.answer = addresses(10).repeat(2);
  await refresh.refresh();
  t.like(refresh.state, { exits: 10, failure: null });
  t.is(changed.length, 2);
});

test('pages that come one by one for longer than all may take are told of, with what helps', async (t) => {
  let page = 0;
  const answer: ListAnswer = (_, response) => {
    page += 1;
    const text = JSON.stringify({ results: [{ h: '192.0.2.1', p: page }], next: `/list?page=${page}` });
    setTimeout(() => response.end(text), 30);
  };
  const { server, again } = await scene(t, answer);
  const call = { url: `${server.url}/list`, method: 'GET', headers: {}, body: null, scheme: 'http' } as const;
  const paths = { items: [{ name: 'results' }, 'all'], next: [{ name: 'next' }] } as const;
  const exit = (['h', 'p'] as const).map((name, i) => [i === 0 ? 'host' : 'port', [{ name }]] as const);
  const pace = { perSecond: 1_000, concurrency: 1 };
  const from = { kind: 'api' as const, ...call, ...paths, exit, pace };
  const late = again('api', { timeoutMs: 400, from });
  await late.refresh();
  t.regex(late.state.failure ?? '', /^it took too long: [1-9]\d* pages? had come; give it a longer "timeout"/);
  const never = again('api', { timeoutMs: 200, from });
  server.answer = () => {};
  await never.refresh();
  t.is(never.state.failure, 'it took too long', 'of a first page there is nothing more to tell');
});

test('who asks while it is being asked waits for the same answer', async (t) => {
  const { server, refresh } = await scene(t, addresses(1));
  await Promise.all([refresh.refresh(), refresh.refresh(), refresh.refresh()]);
  t.is(server.requests.length, 1);
});

test('what is endless is cut at the limit, and leaves nothing', async (t) => {
  const chunk = Buffer.alloc(4 * 1024 * 1024, '192.0.2.1:80\n');
  const { refresh } = await scene(
    t,
    (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    },
    { timeoutMs: 60_000 },
  );
  await refresh.refresh();
  t.is(refresh.state.failure, 'it has more than 256 MiB');
  t.is(refresh.state.exits, null);
});
