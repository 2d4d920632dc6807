import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { openProbePage } from '../../src/probing/probe-page.ts';
import { connectVia, forwardVia, open, rawExchange, socks5Via } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { freePort } from '../support/free-port.ts';
import { startGateway } from '../support/gateway.ts';
import { startRawOrigin } from '../support/raw-origin.ts';

// The page of ours that exits are asked for.

test('no client reaches the probe page, by whatever exit', async (t) => {
  const port = await freePort();
  const gateway = await startGateway({
    config: { probe: { port } },
    pools: { direct: { exits: [{ direct: true }] } },
  });
  t.teardown(() => gateway.stop());
  const page = await rawExchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  t.regex(page.text, /^HTTP\/1\.1 404 /, 'it is there');
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
    const url = `http://${host}:${port}/`;
    t.is((await forwardVia(gateway.port(), url, { login: gateway.login() })).reason, 'target_ip_forbidden', host);
  }
  const tunnel = await connectVia(gateway.port(), `127.0.0.1:${port}`, { login: gateway.login() });
  t.is(tunnel.reason, 'target_ip_forbidden');
  const socks = await socks5Via(gateway.port(), { host: '127.0.0.1', port }, { login: gateway.login() });
  t.is(socks.reply, 2);
});

test('exits elsewhere are asked for the page where the world reaches it, and made-up answers are none', async (t) => {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-hosts-'));
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 exit.test liar.test\n');
  const exit = await startHttpExit();
  const made = '{"address":"198.51.100.9"}';
  const liar = await startRawOrigin({
    reply: `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${made.length}\r\n\r\n${made}`,
    end: 'open',
  });
  const gateway = await startGateway({
    config: {
      probe: { port, publicUrl: `http://127.0.0.1:${port}/behind/` },
      resolver: { hostsFile: join(folder, 'hosts') },
    },
    pools: {
      fair: { probe: { budget: 0 }, exits: [{ url: `http://exit.test:${exit.port}` }] },
      foul: { probe: { budget: 0 }, exits: [{ url: `http://liar.test:${liar.port}` }] },
    },
  });
  t.teardown(async () => {
    await gateway.stop();
    await Promise.all([exit.close(), liar.close()]);
    rmSync(folder, { recursive: true });
  });
  const checked = async (pool: string) => (await gateway.command('pool', 'check', pool, '--json')).stdout;
  const fair = await checked('fair');
  t.regex(exit.requests[0]?.target ?? '', new RegExp(`^http://127\\.0\\.0\\.1:${port}/behind/probe/[0-9a-f]{32}$`));
  t.regex(fair, /"kind": ?"ok"/);
  t.false(fair.includes('198.51.100.9'));
  const foul = await checked('foul');
  t.regex(foul, /"kind": ?"exit_rejected"/);
  t.false(foul.includes('198.51.100.9'), 'what it made up is no address');
});

test('who connects to the page and says nothing keeps no exit away', async (t) => {
  const page = await openProbePage({ host: '127.0.0.1', port: 0, most: 512 });
  t.teardown(() => page.close());
  const silent = await Promise.all(Array.from({ length: 600 }, () => open(page.port)));
  t.teardown(() => silent.forEach((socket) => void socket.destroy()));
  const visit = await page.announce();
  const { text } = await rawExchange(page.port, `GET ${visit.path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  t.regex(text, /^HTTP\/1\.1 200 /);
  t.is(visit.seen(), '127.0.0.1');
});

test('more exits than the page has connections are let in one after the other, and none is closed for another', async (t) => {
  const page = await openProbePage({ host: '127.0.0.1', port: 0, most: 8 });
  t.teardown(() => page.close());
  const exits = Array.from({ length: 20 }, async () => {
    const visit = await page.announce();
    const socket = await open(page.port);
    const closed = once(socket.on('end', () => socket.end()).resume(), 'close');
    // An exit that is far away: it has connected before it has the request.
    await sleep(50);
    socket.write(`GET ${visit.path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await closed;
    const seen = visit.seen();
    visit.close();
    return seen;
  });
  const told = await Promise.all(exits);
  t.true(told.every((seen) => seen === '127.0.0.1'));
});
