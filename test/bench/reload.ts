/** By hand: what a reload of a million exits does to traffic.
 *
 *    node test/bench/reload.ts [exits] [rounds]
 *
 *  A gateway with a list of so many exits, of which nobody listens at any, and five that do, in one pool; clients that ask by the
 *  five's country, on connections that are kept. Each round has a quiet part and one in which one exit of each hundred of the list
 *  is replaced and the pool reloaded, as long as each other; what they took is printed side by side. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import type { PoolReload } from '../../src/admin/reload-command.ts';
import { askGateway } from '../../src/cli/control-client.ts';
import { readBytes } from '../support/byte-reader.ts';
import { basic, open } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';

const [exits = 1_000_000, rounds = 3] = process.argv.slice(2).map(Number);
const CLIENTS = 8;
/** Clients rest between two requests, in ms: the machine isn't to be full. */
const THINK_MS = 5;
const LEAST_MS = 4_000;

function writeList(file: string, generation: number): void {
  const lines: string[] = [];
  writeFileSync(`${file}.new`, '');
  for (let i = 0; i < exits; i += 1) {
    const n = i % 100 === 0 ? i + generation * 2 ** 24 : i;
    lines.push(
      `${20 + (n >> 24)}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}:8080:user${n % 1000}:p4ssw0rd${n % 77}`,
    );
    if (lines.length === 10_000 || i === exits - 1) appendFileSync(`${file}.new`, `${lines.splice(0).join('\n')}\n`);
  }
  renameSync(`${file}.new`, file);
}

async function ask<Result>(gateway: Gateway, command: string, args: object): Promise<Result> {
  const reply = await askGateway(join(gateway.folder, 'data', 'roundabout.sock'), { command, args }, 120_000);
  if (reply?.ok !== true) throw new Error(JSON.stringify(reply));
  return reply.result as Result;
}

/** Sends requests until told to stop; `note` gets what each took, in ms. */
async function crawl(
  socket: Socket,
  request: string,
  { note, stopped }: { note: (ms: number) => void; stopped: () => boolean },
) {
  const reader = readBytes(socket);
  while (!stopped()) {
    const begun = performance.now();
    socket.write(request);
    const head = (await reader.until('\r\n\r\n')).toString('latin1');
    if (!head.startsWith('HTTP/1.1 200')) throw new Error(head);
    await reader.take(Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0));
    note(performance.now() - begun);
    await rest(THINK_MS);
  }
}

function figures(part: string, samples: readonly number[]) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1));
  return {
    part,
    requests: sorted.length,
    'p50 ms': at(0.5),
    'p99 ms': at(0.99),
    'p99.9 ms': at(0.999),
    'most ms': at(1),
  };
}

const origin = await startOrigin();
const real = await Promise.all(Array.from({ length: 5 }, () => startHttpExit()));
const listed = real.map(({ url }) => ({ url, country: 'de' }));
const gateway = await startGateway({
  config: { accessLog: { file: 'access.log' } },
  pools: { p: { exits: [...listed, { list: 'list.txt', country: 'us' }] } },
  files: { 'list.txt': '192.0.2.1:8080\n' },
});
const list = join(gateway.folder, 'list.txt');
writeList(list, 0);
await ask<PoolReload>(gateway, 'pool.reload', { pools: ['p'] });

const samples: number[] = [];
let over = false;
const login = gateway.login('tester', 'country-de');
const request = `GET ${origin.url}/bytes/1000 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${basic(login)}\r\n\r\n`;
const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => open(gateway.port())));
const options = { note: (ms: number) => samples.push(ms), stopped: () => over };
const crawling = Promise.all(sockets.map((socket) => crawl(socket, request, options)));

const take = () => samples.splice(0);
const rows: object[] = [];
const quiet: number[] = [];
const during: number[] = [];
await rest(2_000);
for (let round = 1; round <= rounds; round += 1) {
  writeList(list, round);
  take();
  const begun = performance.now();
  const { pools } = await ask<PoolReload>(gateway, 'pool.reload', { pools: ['p'] });
  const took = performance.now() - begun;
  const [changed] = pools;
  const busy = take();
  during.push(...busy);
  await rest(2_000);
  take();
  await rest(Math.max(took, LEAST_MS));
  const calm = take();
  quiet.push(...calm);
  rows.push({ ...figures(`round ${round}: quiet`, calm) });
  rows.push({
    ...figures(`round ${round}: reload`, busy),
    'took s': Number((took / 1000).toFixed(2)),
    added: changed?.added,
    removed: changed?.removed,
  });
}
rows.push(figures('all: quiet', quiet), figures('all: reload', during));
over = true;
await crawling;
for (const socket of sockets) socket.destroy();
console.log(`${exits} exits, ${CLIENTS} clients that rest ${THINK_MS} ms between requests`);
console.table(rows);
await gateway.stop();
await Promise.all([...real, origin].map((peer) => peer.close()));
