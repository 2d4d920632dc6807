import test from 'ava';
import {
  type Answer,
  basic,
  connectVia,
  forwardVia,
  open,
  rawExchange,
  socks5Via,
  startTls,
} from '../support/clients.ts';
import { type Exit, startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin, startTlsOrigin } from '../support/origin.ts';
import { keepPeers } from '../support/peers.ts';
import type { Ended } from '../support/programs.ts';

// What a client says of how a site treated its exchanges.

/** Reports that each client may send: more than those that are repeated. */
const MOST_REPORTS = 12;
/** A thread is left out, with what it knows, where it takes a second to answer; by a clock that may be ahead of ours. */
const LEFT_OUT_MS = 500;
const MOST_TRIES = 5;

const { keep, closeAll } = keepPeers();
let gateway: Gateway;
let origin: Origin;
let secure: Origin;
let exit: Exit;

test.before(async () => {
  [origin, secure, exit] = await Promise.all([startOrigin(), startTlsOrigin(), startHttpExit()]);
  for (const peer of [origin, secure, exit]) keep(peer);
  gateway = await startGateway({
    config: { limits: { reports: { perClient: MOST_REPORTS, window: '1h' } } },
    clients: Object.fromEntries(
      ['acme', 'other', 'busy', 'wordy', 'tagged', 'sessions', 'tunnels', 'hidden'].map((name) => [name, []]),
    ),
    pools: { through: { exits: [{ url: exit.url }] } },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await closeAll();
});

const url = 'http://roundabout.internal/report';
const json = { 'Content-Type': 'application/json' };

/** Fetches a page and resolves with the exchange's id. */
async function visit(client: string, parameters?: string): Promise<string> {
  const { headers } = await forwardVia(gateway.port(), `${origin.url}/`, { login: gateway.login(client, parameters) });
  return String(headers['roundabout-request-id']);
}

function send(client: string, report: unknown, fields: Record<string, string> = json): Promise<Answer> {
  const content = typeof report === 'string' ? report : JSON.stringify(report);
  return forwardVia(gateway.port(), url, { login: gateway.login(client), method: 'POST', fields, content });
}

/** What `attempt`, which is told its number, comes to: made anew while it isn't what `holds` but took so long that a thread may have
 *  been left out. */
async function withAllHeard<Result>(
  attempt: (number: number) => Promise<Result>,
  holds: (result: Result) => boolean,
): Promise<Result> {
  for (let number = 1; ; number++) {
    const begun = performance.now();
    const result = await attempt(number);
    if (holds(result) || performance.now() - begun < LEFT_OUT_MS || number === MOST_TRIES) return result;
  }
}

const isTaken = ({ status }: Answer): boolean => status === 200;
const isDone = ({ code }: Ended): boolean => code === 0;

const said = ({ content }: Answer) => JSON.parse(content.toString());

async function refusedCount(): Promise<number> {
  const [{ live }] = JSON.parse((await gateway.command('exit', 'list', '--json')).stdout);
  return live.refused;
}

test.serial('a client reports its own exchange, once, and it is learned', async (t) => {
  const before = await refusedCount();
  let id = '';
  const answer = await withAllHeard(async () => {
    id = await visit('acme');
    return send('acme', { id, verdict: 'refused', retryAfter: 30 });
  }, isTaken);
  t.is(answer.status, 200);
  t.like(said(answer), { id, site: '127.0.0.1', verdict: 'refused' });
  t.is(await refusedCount(), before + 1);
  const again = await withAllHeard(
    () => send('acme', { id, verdict: 'refused' }),
    ({ status }) => status === 409,
  );
  t.is(again.status, 409);
  t.is(said(again).title, 'already_reported');
  t.is(await refusedCount(), before + 1);
});

test.serial('nobody reports what isn’t theirs', async (t) => {
  const id = await visit('acme', 'session-mine');
  const before = await refusedCount();
  for (const report of [
    { id, verdict: 'refused' },
    { session: 'mine', verdict: 'refused' },
  ]) {
    const answer = await send('other', report);
    t.is(answer.status, 404);
    t.is(said(answer).title, 'unknown_exchange');
  }
  t.is(await refusedCount(), before);
});

test('a report that can’t be meant is told where it is wrong', async (t) => {
  const answer = await send('wordy', { id: 'x', verdict: 'banned' });
  t.is(answer.status, 400);
  t.is(answer.reason, 'bad_request');
  t.like(said(answer), { title: 'bad_request', place: 'verdict' });
  t.is((await send('wordy', '{"id":')).status, 400);
  const long = await send('wordy', JSON.stringify({ id: 'x'.repeat(5_000) }));
  t.is(long.status, 400);
  t.regex(said(long).detail, /4096 octets/);
});

test('a client has so many reports', async (t) => {
  const echo = async () =>
    said(await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login('busy') }));
  t.is((await echo()).limits.reports, MOST_REPORTS);
  for (let sent = 0; sent < MOST_REPORTS; sent++)
    t.is((await send('busy', { id: 'x', verdict: 'served' })).status, 404);
  const answer = await send('busy', { id: 'x', verdict: 'served' });
  t.is(answer.status, 429);
  t.is(answer.reason, 'rate_limited');
  t.true(Number(answer.headers['retry-after']) > 0);
  t.is((await echo()).limits.reports, 0);
});

test('a tag names an exchange only while it is unique to it', async (t) => {
  let id = '';
  const unique = await withAllHeard(async (number) => {
    id = await visit('tagged', `tag-one${number}`);
    return send('tagged', { tag: `one${number}`, verdict: 'challenge' });
  }, isTaken);
  t.like(said(unique), { id, verdict: 'challenge' });
  const answer = await withAllHeard(
    async (number) => {
      await visit('tagged', `tag-two${number}`);
      await visit('tagged', `tag-two${number}`);
      return send('tagged', { tag: `two${number}`, verdict: 'challenge' });
    },
    (told) => said(told).title === 'ambiguous_tag',
  );
  t.is(answer.status, 409);
  t.is(said(answer).title, 'ambiguous_tag');
});

test('a session names its newest exchange, at a site if told', async (t) => {
  let id = '';
  const visitTwice = async () => {
    await visit('sessions', 'session-s1');
    id = await visit('sessions', 'session-s1');
  };
  await visitTwice();
  t.is((await send('sessions', { session: 's1', site: 'shop.example', verdict: 'served' })).status, 404);
  const answer = await withAllHeard(
    async (number) => {
      if (number > 1) await visitTwice();
      return send('sessions', { session: 's1', site: '127.0.0.1', verdict: 'served' });
    },
    (told) => said(told).id === id,
  );
  t.like(said(answer), { id });
});

test('a tunnel is reported over a tunnel, by the site in its ClientHello', async (t) => {
  const options = { method: 'POST', fields: { ...json, Host: 'roundabout.internal' } };
  const answer = await withAllHeard(async (number) => {
    const login = gateway.login('tunnels', `session-t${number}`);
    const { socket } = await connectVia(gateway.port(), `127.0.0.1:${secure.port}`, { login });
    const secured = await startTls(socket, { servername: 'www.shop.example' });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    t.is((await forwardVia(0, '/', { socket: secured })).status, 200);
    secured.end();
    await closed;
    // Its end is booked when both sides have closed; lines of other tests come to the same log.
    for (let lines = await gateway.accessLog(); !lines.some(({ session }) => session === `t${number}`); )
      lines = await gateway.accessLog(lines.length + 1);
    const inner = await connectVia(gateway.port(), 'roundabout.internal:80', { login });
    const report = { session: `t${number}`, site: 'shop.example', verdict: 'refused' };
    return forwardVia(0, '/report', { ...options, socket: inner.socket, content: JSON.stringify(report) });
  }, isTaken);
  t.is(answer.status, 200);
  t.like(said(answer), { site: 'shop.example', verdict: 'refused' });

  const login = gateway.login('tunnels');
  const socks = await socks5Via(gateway.port(), { host: 'roundabout.internal', port: 80 }, { login });
  const long = await forwardVia(0, '/report', { ...options, socket: socks.socket, content: 'x'.repeat(10_000) });
  t.is(long.status, 400);
});

test('a client that sends its FIN behind a report over a tunnel reads the answer', async (t) => {
  const content = JSON.stringify({ id: 'nobodys', verdict: 'served' });
  const fields = `Content-Type: application/json\r\nContent-Length: ${content.length}`;
  const credential = `Proxy-Authorization: ${basic(gateway.login('tunnels'))}`;
  const head = `CONNECT roundabout.internal:80 HTTP/1.1\r\nHost: a\r\n${credential}\r\n\r\n`;
  for (const [sent, status] of [
    [content, 404],
    [content.slice(1), 400],
  ] as const) {
    const report = `POST /report HTTP/1.1\r\nHost: roundabout.internal\r\n${fields}\r\n\r\n${sent}`;
    const answer = await rawExchange(gateway.port(), [head + report], { thenFin: true });
    t.regex(answer.text, new RegExp(`^HTTP/1.1 200 .*HTTP/1.1 ${status} `, 's'));
    t.is(answer.ended, 'fin');
  }
});

test('what a page could send is answered like a name that doesn’t exist', async (t) => {
  const login = gateway.login('hidden');
  const unknown = await forwardVia(gateway.port(), 'http://nobody.internal/report', { login, method: 'POST' });
  const report = JSON.stringify({ id: 'x', verdict: 'served' });
  for (const fields of [
    { ...json, Origin: 'https://shop.example' },
    { ...json, Referer: 'https://shop.example/' },
    { ...json, 'Sec-Fetch-Site': 'cross-site' },
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/json-seq' },
    {},
  ] as Record<string, string>[]) {
    const answer = await send('hidden', report, fields);
    t.is(answer.status, unknown.status, JSON.stringify(fields));
    t.is(answer.reason, unknown.reason);
    const { socket } = await connectVia(gateway.port(), 'roundabout.internal:80', { login });
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `POST /report HTTP/1.1\r\nHost: roundabout.internal\r\n${lines.join('')}Content-Length: ${report.length}\r\n\r\n`;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.on('end', () => socket.end());
    socket.write(head + report);
    await closed;
    t.is(received, 0);
  }
  const typed = await send('hidden', report, { 'Content-Type': 'Application/JSON; charset=utf-8' });
  t.is(typed.status, 404, 'a report after all');
});

test('content that never comes ends the exchange, and a client that waits to be asked is asked', async (t) => {
  const { username, password } = gateway.login('other');
  const credential = `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const head = `POST ${url} HTTP/1.1\r\nHost: roundabout.internal\r\n${credential}\r\nContent-Type: application/json\r\n`;
  const asked = await rawExchange(gateway.port(), `${head}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n`, {
    until: (received) => received.includes('100 Continue'),
  });
  t.is(asked.ended, 'open');
  const socket = await open(gateway.port());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`${head}Content-Length: 20\r\n\r\n{"id"`, () => socket.destroy());
  await closed;
  const echo = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login('other') });
  t.is(echo.status, 200);
});

test.serial('an operator reports by the command line', async (t) => {
  let id = '';
  const done = await withAllHeard(async () => {
    id = await visit('acme', 'session-op');
    return gateway.command('report', '--id', id, '--verdict', 'challenge', '--retry-after', '60', '--json');
  }, isDone);
  t.is(done.code, 0, done.stderr);
  t.like(JSON.parse(done.stdout), { id, verdict: 'challenge', site: '127.0.0.1' });
  const session = ['--session', 'op', '--site', '127.0.0.1', '--verdict', 'refused'];
  const ofSession = await withAllHeard(async () => {
    await visit('acme', 'session-op');
    return gateway.command('report', '--client', 'acme', ...session);
  }, isDone);
  t.is(ofSession.code, 0);
  t.is((await gateway.command('report', ...session)).code, 3, 'whose session?');
  const again = await withAllHeard(
    () => gateway.command('report', '--id', id, '--verdict', 'refused'),
    ({ code }) => code === 4,
  );
  t.is(again.code, 4);
  t.is((await gateway.command('report', '--id', id)).code, 2);
});
