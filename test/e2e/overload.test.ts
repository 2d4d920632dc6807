import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { connectVia, forwardVia, open, socks5Via, startTls } from '../support/clients.ts';
import { parseExposition, totalOf } from '../support/exposition.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { relayBinding } from '../support/native-relay.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { answerWhen } from '../support/until.ts';

// A delay of nothing makes everything wait too long, so that all is refused.

const pools = { direct: { exits: [{ direct: true }] } };
const everything = { delay: '0ms', after: '0ms' };

let origin: Origin;

test.before(async () => {
  origin = await startOrigin();
});

test.after.always(() => origin.close());

async function overloads(gateway: Gateway): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`);
  return totalOf(parseExposition(await reply.text()), 'roundabout_overload_refusals_total', {});
}

async function reload(gateway: Gateway, overload: object): Promise<void> {
  const file = join(gateway.folder, 'roundabout.yaml');
  const config = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...config, limits: { overload } }));
  gateway.signal('SIGHUP');
}

const forward = (gateway: Gateway) => forwardVia(gateway.port(), `${origin.url}/bytes/3`, { login: gateway.login() });

/** Forwards again and again, until it is answered with `status`. */
const forwardUntil = (gateway: Gateway, status: number) =>
  answerWhen(
    () => forward(gateway),
    (answer) => answer.status === status,
  );

(relayBinding() === null ? test.skip : test)(
  'what waits too long is refused at once, and what has begun goes on',
  async (t) => {
    const gateway = await startGateway({ config: { workers: 1 }, pools });
    t.teardown(() => gateway.stop());
    const login = gateway.login();
    const authority = `127.0.0.1:${origin.port}`;
    const tunnel = await connectVia(gateway.port(), authority, { login });
    t.is(tunnel.status, 200);
    t.is((await forward(gateway)).status, 200);
    t.is(await overloads(gateway), 0);

    await reload(gateway, everything);
    const refused = await forwardUntil(gateway, 503);
    t.is(refused.reason, 'overloaded');
    t.like(refused.headers, { 'retry-after': '1', connection: 'close' });
    t.regex(`${refused.headers['roundabout-error']}`, /^overloaded; by=gateway/);
    t.is(await overloads(gateway), 1);

    // Neither a credential nor a TLS handshake is looked at: both cost more than the refusal.
    const stranger = await connectVia(gateway.port(), authority, { login: { username: 'nobody', password: 'x' } });
    t.is(stranger.status, 503);
    t.is((await socks5Via(gateway.port(), { host: '127.0.0.1', port: origin.port }, { login })).reply, 1);
    await t.throwsAsync(startTls(await open(gateway.port())));
    t.is(await overloads(gateway), 4);

    const through = await forwardVia(gateway.port(), '/bytes/5', { socket: tunnel.socket });
    t.is(through.status, 200);
    tunnel.socket.destroy();

    await reload(gateway, { enabled: false });
    t.is((await forwardUntil(gateway, 200)).status, 200);
    for (let i = 0; i < 20; i++) t.is((await forward(gateway)).status, 200);
    const told = (await gateway.accessLog(25)).filter(({ kind }) => kind === 'overloaded');
    t.true(told.length >= 3);
    t.true(told.every(({ by, client, exit }) => by === 'gateway' && client === null && exit === null));
    t.true(told.some((line) => line['authority'] === authority));
  },
);
