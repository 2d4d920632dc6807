/** By hand: how long a million exits take to load and to reload, and how much memory they take over all threads.
 *
 *    node test/bench/catalogue.ts [exits]
 *
 *  Prints one table. Memory is the difference in resident memory between a process with 10 exits and one with all of them, each
 *  with the catalogue read by three threads, after a collection. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { PoolCatalogue, type PoolsRecord } from '../../src/pool/catalogue.ts';
import { poolSources } from '../../src/pool/pool-builder.ts';
import type { PoolEntry, PoolFile } from '../../src/pool/pool-file.ts';
import { PoolRegistry } from '../../src/pool/registry.ts';
import { textChunks } from '../../src/sources/text-chunks.ts';

type Kind = 'list' | 'password-list' | 'template';

const kinds: readonly Kind[] = ['list', 'password-list', 'template'];
const threads = 2;
const p = { pools: ['p'] };

/** Writes a list, `changed` of each hundred exits other ones. Of a password list only the passwords differ. */
function writeList(file: string, kind: Kind, { exits, changed }: { exits: number; changed: number }): void {
  let lines: string[] = [];
  writeFileSync(file, '');
  for (let i = 0; i < exits; i += 1) {
    const n = i % 100 < changed ? i + 2 ** 24 : i;
    const address = `${20 + (n >> 24)}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
    lines.push(
      kind === 'list'
        ? `${address}:8080:user${n % 1000}:p4ssw0rd${n % 77}`
        : `gate.example:7777:customer:secret_session-${n}`,
    );
    if (lines.length < 10_000 && i < exits - 1) continue;
    appendFileSync(file, `${lines.join('\n')}\n`);
    lines = [];
  }
}

function fileOf(kind: Kind, exits: number, list: string): PoolFile {
  const terms = { geo: { country: 'us', city: 'Boston' }, dns: null, verify: true, ca: null, name: null, ip: null };
  const template = 'http://customer-cc-{country}-sessid-{session}:pw@gate.example:7777';
  const lists = { country: ['us'], region: [], state: [], city: [], zip: [], asn: [], isp: [] };
  const entry: PoolEntry =
    kind === 'template'
      ? { ...terms, kind, template, lists, slots: exits, ttlMs: null, lifetimeMs: null, limits: null }
      : { ...terms, kind: 'list', list, format: 'auto', scheme: 'http' };
  const faultAt = (_: unknown, message: string) => ({ file: '/p.yaml', line: 1, column: 1, path: '', message });
  return { file: '/p.yaml', name: 'p', tier: 'res', price: null, strategy: 'random', entries: [entry], faultAt };
}

interface Timed {
  readonly changed: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

function load(catalogue: PoolCatalogue, file: PoolFile): Timed {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const sources = poolSources([file], { readText: () => '', readChunks: textChunks, projectFolder: '/' });
  const { changes } = catalogue.commit(catalogue.stage(sources));
  const { user, system } = process.cpuUsage(cpu);
  return { changed: changes.added.length, wallMs: performance.now() - begun, cpuMs: (user + system) / 1000 };
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  for (let i = 0; i < 5; i += 1) gc();
}

/** Nanoseconds of one call, over `count` calls. */
function nsOf(count: number, call: (i: number) => unknown): number {
  const begun = performance.now();
  for (let i = 0; i < count; i += 1) call(i);
  return ((performance.now() - begun) * 1e6) / count;
}

function costs(record: PoolsRecord): Record<string, number> {
  const registry = new PoolRegistry(record, { wantList: () => {} });
  const { list } = registry.drawFrom(p);
  const somewhere = (i: number) => list.at((i * 7919) % list.length) ?? 0;
  const { matches } = registry.drawFrom({ ...p, country: ['us'], city: 'boston' });
  return {
    'exitAt ns': nsOf(200_000, (i) => registry.exitAt(somewhere(i))),
    'drawFrom ns': nsOf(200_000, () => registry.drawFrom({ ...p, country: ['us'], city: 'boston' })),
    'matches ns': nsOf(1_000_000, (i) => matches(somewhere(i))),
    'describe µs': nsOf(1000, () => registry.accountOf({ ...p, city: 'ulm' })) / 1000,
  };
}

/** One kind in a process of its own. */
async function measure(kind: Kind, exits: number): Promise<void> {
  const catalogue = new PoolCatalogue();
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-bench-'));
  const list = join(folder, 'list.txt');
  const file = fileOf(kind, exits, list);
  writeList(list, kind, { exits, changed: 0 });
  const first = load(catalogue, file);
  writeList(list, kind, { exits, changed: 1 });
  const again = load(catalogue, file);
  rmSync(folder, { recursive: true });
  const { record } = catalogue;
  const readers = await Promise.all(
    Array.from({ length: threads }, () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: record });
      return new Promise<Worker>((resolve) => worker.once('message', () => resolve(worker)));
    }),
  );
  collect();
  // V8 keeps pages it no longer needs for some seconds.
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  collect();
  const rss = process.memoryUsage.rss();
  const figures = {
    'load ms': first.wallMs,
    'load CPU ms': first.cpuMs,
    'reload CPU ms': again.cpuMs,
    changed: again.changed,
    ...costs(record),
  };
  process.stdout.write(JSON.stringify({ rss, figures }));
  await Promise.all(readers.map((worker) => worker.terminate()));
}

function report(exits: number): void {
  const rows = kinds.map((kind) => {
    const run = (count: number): { rss: number; figures: Record<string, number> } =>
      JSON.parse(execFileSync(process.execPath, [import.meta.filename, kind, String(count)], { encoding: 'utf8' }));
    const few = run(10);
    const all = run(exits);
    const rounded = Object.entries(all.figures).map(([name, value]) => [name, Math.round(value)]);
    return [kind, { ...Object.fromEntries(rounded), 'octets per exit': Math.round((all.rss - few.rss) / exits) }];
  });
  console.log(`${exits} exits, read by ${threads + 1} threads`);
  console.table(Object.fromEntries(rows));
}

const [wanted = '', count = '1000000'] = process.argv.slice(2);
const kind = kinds.find((one) => one === wanted);
if (!isMainThread) {
  const registry = new PoolRegistry(workerData);
  const { list } = registry.drawFrom(p);
  for (let i = 0; i < 10_000; i += 1) registry.exitAt(list.at((i * 7919) % list.length) ?? 0);
  const { parentPort } = await import('node:worker_threads');
  parentPort?.on('message', () => {});
  parentPort?.postMessage('ready');
} else if (kind === undefined) report(Number(wanted) || 1_000_000);
else await measure(kind, Number(count));
