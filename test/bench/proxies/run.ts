/** Sets the gateway beside other proxies on loopback: `npm run bench`, see options.ts and README. Linux only.
 *
 *  Every proxy is started as its users start it, and measured in turn with the others in one run, because figures of two runs, or
 *  of two machines, can't be compared. CPU is that of all of its processes, as the kernel has booked it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { barGroups, chartOf } from './chart.ts';
import { compare, measureFor, readMargins } from './check.ts';
import type { Figures } from './figures.ts';
import { type Options, parseOptions, type RowName, usage } from './options.ts';
import { bulkRow, costRow } from './rows/costs.ts';
import { idleRow } from './rows/idle.ts';
import { latencyRow } from './rows/latency.ts';
import { limitsRow } from './rows/limits.ts';
import { overloadRow } from './rows/overload.ts';
import { pickRow } from './rows/pick.ts';
import type { Row } from './rows/row.ts';
import { startRow } from './rows/start.ts';
import { tlsBulkRow } from './rows/tls.ts';
import { workersRow } from './rows/workers.ts';
import { openScene, type Scene } from './scene.ts';
import { tableOf } from './table.ts';

const rows: Readonly<Record<RowName, Row>> = {
  connect: costRow('connect'),
  socks5: costRow('socks5'),
  http: costRow('http'),
  bulk: bulkRow(),
  'tls-bulk': tlsBulkRow,
  idle: idleRow,
  latency: latencyRow,
  overload: overloadRow,
  workers: workersRow,
  limits: limitsRow,
  pick: pickRow,
  start: startRow,
};

/** Where and of what the figures are. */
function circumstances({ quick }: Options) {
  return {
    at: new Date().toISOString(),
    quick,
    node: process.version,
    system: `Linux ${release()}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
  };
}

async function measure(scene: Scene, names: readonly RowName[]): Promise<Figures[]> {
  const all: Figures[] = [];
  const begun = performance.now();
  for (const name of names) {
    console.error(`… ${name}`);
    const late = (performance.now() - begun) / 1_000 > scene.sizes.lastBeginSeconds;
    for (const figures of late ? [outOfTime(name)] : await rows[name](scene)) {
      all.push(figures);
      console.log(tableOf(figures));
    }
  }
  return all;
}

function outOfTime(row: RowName): Figures {
  const notes = ['not measured: the others have taken all of the time; see --only'];
  return { row, title: row, unit: '', series: [], goals: [], notes };
}

function write(folder: string, figures: readonly Figures[], options: Options): void {
  mkdirSync(folder, { recursive: true });
  const of = circumstances(options);
  writeFileSync(join(folder, 'figures.json'), `${JSON.stringify({ ...of, rows: figures }, null, 1)}\n`);
  const groups = barGroups(figures);
  const caption = `${of.cores} cores, ${of.processor}; ${of.system}, Node ${of.node}; ${of.at.slice(0, 10)}${options.quick ? ', quick run' : ''}`;
  if (groups.length > 0) writeFileSync(join(folder, 'ratios.svg'), chartOf(groups, caption));
}

/** Whether nothing has become worse by more than the margins. */
async function check(scene: Scene): Promise<boolean> {
  const margins = readMargins();
  const { lines, passed } = compare(await measureFor(scene, margins), margins);
  for (const line of lines) console.log(line);
  return passed;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(usage);
    return 0;
  }
  const options = parseOptions(args);
  if (process.platform !== 'linux') throw new Error('what a process takes is read from /proc, which only Linux has');
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-bench-'));
  process.env['TMPDIR'] = folder; // for the gateway's folder
  const scene = await openScene(folder, options.sizes);
  process.once('exit', () => {
    scene.children.killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  if (options.check) return (await check(scene)) ? 0 : 1;
  const figures = await measure(scene, options.rows);
  if (options.out !== null) write(options.out, figures, options);
  return 0;
}

// Ended from outside, it takes all that it has started with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
