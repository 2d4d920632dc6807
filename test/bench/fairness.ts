// By hand: node test/bench/fairness.ts [seconds] [on|off]. A modest client beside a greedy one, which asks twenty times its limit, on one pool
// whose origin carries 400 requests a second: ten runs each, alternating, with limits and without them.

import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { basic, type Login } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';

const RUNS = 10;
const MODEST_PER_SECOND = 60;
const LIMIT_PER_SECOND = 50;
const TIMES_THE_LIMIT = 20;
const GREEDY_SOCKETS = 256;
const ORIGIN_SLOTS = 8;
const ORIGIN_MS = 20;

interface Load {
  readonly port: number;
  readonly origin: number;
  readonly login: Login;
  readonly perSecond: number;
  readonly sockets: number;
}

interface Served {
  readonly ok: number;
  readonly refused: number;
  readonly p99: number;
}

/** An origin that serves so many at once and lets the others wait. */
function serveOrigin(): void {
  const waiting: (() => void)[] = [];
  let busy = 0;
  const next = (): void => {
    const serve = busy < ORIGIN_SLOTS ? waiting.shift() : undefined;
    if (serve === undefined) return;
    busy++;
    setTimeout(() => {
      busy--;
      serve();
      next();
    }, ORIGIN_MS);
  };
  const server = createServer((_, response) => {
    waiting.push(() => response.end('ok'));
    next();
  });
  server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as { port: number }).port));
}

/** Asks at an even pace, whatever comes of it, for `ms`; or until told. */
async function ask({ port, origin, login, perSecond, sockets }: Load, ms: number, done = () => false): Promise<Served> {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  const headers = { Host: `localhost:${origin}`, 'Proxy-Authorization': basic(login) };
  const took: number[] = [];
  let refused = 0;
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const begun = performance.now();
      const asked = request({ port, agent, headers, path: `http://localhost:${origin}/` }, (response) => {
        response.resume().once('end', () => {
          if (response.statusCode === 200) took.push(performance.now() - begun);
          else refused++;
          resolve();
        });
      });
      asked.once('error', () => {
        if (!done()) refused++;
        resolve();
      });
      asked.end();
    });
  const begun = performance.now();
  const under: Promise<void>[] = [];
  for (let sent = 0; performance.now() - begun < ms && !done(); ) {
    for (; sent < ((performance.now() - begun) * perSecond) / 1_000; sent++) under.push(one());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (done()) agent.destroy();
  // What comes after the time is no throughput.
  const ok = took.length;
  await Promise.all(under);
  agent.destroy();
  const p99 = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.POSITIVE_INFINITY;
  return { ok, refused, p99 };
}

async function beGreedy(load: Load): Promise<void> {
  let over = false;
  parentPort?.once('message', () => {
    over = true;
  });
  parentPort?.postMessage('under way');
  const { ok, refused } = await ask(load, Number.POSITIVE_INFINITY, () => over);
  parentPort?.postMessage({ ok, refused });
  process.exit();
}

const medianOf = (figures: readonly number[]): number =>
  figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)] ?? Number.NaN;

/** Ten runs with the greedy client and ten without, alternating. */
async function compare(name: string, limited: boolean, { ms, origin }: { ms: number; origin: number }): Promise<void> {
  const optionsOf = (perSecond: number, burst: number) =>
    limited ? ['--limit', `requests=${perSecond}/s burst=${burst}`] : [];
  const gateway = await startGateway({
    config: { workers: 2, accessLog: { enabled: false } },
    clients: {
      modest: optionsOf(2 * MODEST_PER_SECOND, 2 * MODEST_PER_SECOND),
      greedy: optionsOf(LIMIT_PER_SECOND, 10),
    },
    pools: { one: { exits: [{ direct: true }] } },
  });
  const loadOf = (client: string, perSecond: number, sockets: number): Load => {
    return { port: gateway.port(), origin, login: gateway.login(client), perSecond, sockets };
  };
  const modest = loadOf('modest', MODEST_PER_SECOND, 64);
  await ask(modest, 1_000);
  const runs: { readonly alone: Served; readonly beside: Served; readonly greedy: { ok: number } }[] = [];
  for (let run = 0; run < RUNS; run++) {
    const alone = await ask(modest, ms);
    const workerData = loadOf('greedy', LIMIT_PER_SECOND * TIMES_THE_LIMIT, GREEDY_SOCKETS);
    const greedy = new Worker(new URL(import.meta.url), { workerData });
    await once(greedy, 'message');
    const beside = await ask(modest, ms);
    greedy.postMessage('enough');
    const [told] = (await once(greedy, 'message')) as [{ ok: number }];
    runs.push({ alone, beside, greedy: told });
  }
  await gateway.stop();
  const throughput = medianOf(runs.map(({ alone, beside }) => beside.ok / alone.ok));
  const least = Math.min(...runs.map(({ alone, beside }) => beside.ok / alone.ok));
  const refused = runs.reduce((sum, { beside }) => sum + beside.refused, 0);
  const [p99Alone, p99Beside] = [
    medianOf(runs.map(({ alone }) => alone.p99)),
    medianOf(runs.map(({ beside }) => beside.p99)),
  ];
  process.stdout.write(
    `${name.padEnd(12)} throughput ${(100 * throughput).toFixed(1)} % (least ${(100 * least).toFixed(1)} %), refused ${refused}, ` +
      `p99 ${p99Alone.toFixed(0)} → ${p99Beside.toFixed(0)} ms (${(p99Beside / p99Alone).toFixed(2)} ×), ` +
      `greedy served ${medianOf(runs.map(({ greedy }) => greedy.ok))} a run\n`,
  );
}

if (isMainThread) {
  const ms = Number(process.argv[2] ?? 3) * 1_000;
  const which = process.argv[3];
  const originThread = new Worker(new URL(import.meta.url), { workerData: 'origin' });
  const [origin] = (await once(originThread, 'message')) as [number];
  if (which !== 'off') await compare('limits on', true, { ms, origin });
  if (which !== 'on') await compare('limits off', false, { ms, origin });
  await originThread.terminate();
} else if (workerData === 'origin') serveOrigin();
else await beGreedy(workerData as Load);
