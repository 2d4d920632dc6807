import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { has, run } from '../support/programs.ts';

const source = fileURLToPath(new URL('../../src/native/', import.meta.url));
/** What needs Node's headers. */
const usesNode = /(^|-)(binding|host)\.cpp$/;
const driverOf = (name: string): string => fileURLToPath(new URL(`./${name}.cpp`, import.meta.url));

/** Tunnels of one run; long ones are for by hand: RELAY_TUNNELS=1000000. */
const tunnels = process.env['RELAY_TUNNELS'] ?? '1000';
/** A compiler with sanitizers takes its time on a busy machine. */
const buildBoundMs = 300_000;
const boundMs = 100_000 + Number(tunnels) * 5;

const hasCompiler = process.platform === 'linux' && has('g++');

/** A test that needs a compiler; where there is none it is skipped, or fails with ROUNDABOUT_REQUIRE_PEERS=1. */
function compilerTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (hasCompiler || process.env['ROUNDABOUT_REQUIRE_PEERS'] === '1') test.serial(title, body);
  else test.serial.skip(`${title} (no g++)`, body);
}

const folder = mkdtempSync(join(tmpdir(), 'roundabout-relay-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const flags = ['-std=c++17', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-pthread', '-fno-sanitize-recover=all'];

async function compile(t: ExecutionContext, args: readonly string[]): Promise<void> {
  const built = await run('g++', [...flags, ...args], { cwd: folder, timeoutMs: buildBoundMs });
  t.is(built.code, 0, built.stderr);
}

/** Objects of the core, compiled once for each sanitizer: everything but its binding to Node. */
const cores = new Map<string, readonly string[]>();
async function coreFor(t: ExecutionContext, sanitizer: string): Promise<readonly string[]> {
  const made = cores.get(sanitizer);
  if (made !== undefined) return made;
  const sources = readdirSync(source).filter((name) => name.endsWith('.cpp') && !usesNode.test(name));
  const objects = sources.map((name) => join(folder, `${sanitizer}-${name}.o`));
  const compileNext = async (): Promise<void> => {
    for (let name = sources.pop(); name !== undefined; name = sources.pop())
      await compile(t, [
        ...sanitizing(sanitizer),
        '-c',
        '-o',
        join(folder, `${sanitizer}-${name}.o`),
        join(source, name),
      ]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, compileNext));
  cores.set(sanitizer, objects);
  return objects;
}

/** Builds a driver with the core. Sanitizers are named as -fsanitize does; none where the name is empty. */
async function build(t: ExecutionContext, driver: string, sanitizer = ''): Promise<string> {
  const program = join(folder, `${sanitizer}-${driver}`);
  const core = await coreFor(t, sanitizer);
  await compile(t, [...sanitizing(sanitizer), `-I${source}`, '-o', program, driverOf(driver), ...core]);
  return program;
}

const sanitizing = (name: string): string[] => (name === '' ? [] : [`-fsanitize=${name}`]);

/** Builds the driver and runs it once with each row of arguments: all must end well. */
async function drive(t: ExecutionContext, driver: string, sanitizer: string, runs: readonly string[][]): Promise<void> {
  t.timeout(600_000);
  const program = await build(t, driver, sanitizer);
  for (const args of runs) {
    const ended = await run(program, args, { timeoutMs: boundMs });
    t.is(ended.code, 0, ended.stdout + ended.stderr);
    if (ended.stdout !== '') t.log(ended.stdout.trim());
  }
}

const MEMORY = 'address,undefined';
const THREADS = 'thread';

// Few pipes are hit by octets in flight; none at all leaves only copying.
compilerTest(`random tunnels leave nothing behind: sanitizers ${MEMORY}`, (t) =>
  drive(t, 'relay-stress', MEMORY, [
    [tunnels, '8', '1'],
    [tunnels, '0', '2'],
  ]),
);

compilerTest(`random tunnels leave nothing behind: sanitizer ${THREADS}`, (t) =>
  drive(t, 'relay-stress', THREADS, [[tunnels, '8', '1']]),
);

for (const sanitizer of [MEMORY, THREADS]) {
  compilerTest(`random sockets over two pollers leave nothing behind: sanitizers ${sanitizer}`, (t) =>
    drive(t, 'poller-stress', sanitizer, [
      ['2000', '1'],
      ['2000', '2'],
    ]),
  );

  compilerTest(`of a parked descriptor one thread has it, or it is buried: sanitizers ${sanitizer}`, (t) =>
    drive(t, 'parking-stress', sanitizer, [[]]),
  );
}

compilerTest(`a poller in rare cases: sanitizers ${MEMORY}`, (t) => drive(t, 'poller-cases', MEMORY, [[]]));

compilerTest(`how long octets have waited is told of connections alone: sanitizers ${MEMORY}`, (t) =>
  drive(t, 'socket-waits', MEMORY, [[]]),
);

compilerTest(`what is behind an urgent octet goes through: sanitizers ${MEMORY}`, (t) =>
  drive(t, 'relay-urgent', MEMORY, [[]]),
);

// Without a sanitizer: it would come between the program and its own epoll_ctl.
compilerTest('a receiver that is full and not yet entered gets its octets later', (t) =>
  drive(t, 'relay-handover', '', [[]]),
);

compilerTest('a core that is given no descriptors is refused, and leaves nothing behind', (t) =>
  drive(t, 'relay-refused', '', [[]]),
);

// Nor with one here, for the sake of what it counts.
compilerTest('streams that never rest make nobody wait for more than a turn', (t) => drive(t, 'relay-turns', '', [[]]));
