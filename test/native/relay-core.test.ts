import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { has, run } from '../support/programs.ts';

const source = fileURLToPath(new URL('../../src/native/', import.meta.url));
/** What needs Node's headers. */
const usesNode = /(^|-)(binding|host)\.cpp$/;
const driverOf = (name: string): string => fileURLToPath(new URL(`./${name}.cpp`, import.meta.url));

/** Tunnels of one run; a long one is for by hand: RELAY_TUNNELS=1000000. */
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

/** Builds a driver with everything of the core but its binding to Node. */
async function build(t: ExecutionContext, driver: string, options: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-relay-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, driver);
  const core = readdirSync(source).filter((name) => name.endsWith('.cpp') && !usesNode.test(name));
  const flags = ['-std=c++17', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-pthread', '-fno-sanitize-recover=all'];
  const files = [...core.map((name) => join(source, name)), driverOf(driver)];
  const built = await run('g++', [...flags, ...options, `-I${source}`, '-o', program, ...files], {
    timeoutMs: buildBoundMs,
  });
  t.is(built.code, 0, built.stderr);
  return program;
}

for (const [sanitizer, runs] of [
  // Few pipes are hit by octets in flight; none at all leaves only copying.
  ['address,undefined', ['8', '0']],
  ['thread', ['8']],
] as const) {
  compilerTest(`random tunnels leave nothing behind: sanitizers ${sanitizer}`, async (t) => {
    t.timeout(buildBoundMs + boundMs * 2);
    const program = await build(t, 'relay-stress', [`-fsanitize=${sanitizer}`]);
    for (const [seed, pipes] of runs.entries()) {
      const ended = await run(program, [tunnels, pipes, String(seed + 1)], { timeoutMs: boundMs });
      t.is(ended.code, 0, ended.stdout + ended.stderr);
      t.log(ended.stdout.trim());
    }
  });
}

compilerTest('random sockets over a poller leave nothing behind: sanitizers address,undefined', async (t) => {
  t.timeout(buildBoundMs + boundMs * 2);
  const program = await build(t, 'poller-stress', ['-fsanitize=address,undefined']);
  for (const seed of ['1', '2']) {
    const ended = await run(program, ['2000', seed], { timeoutMs: boundMs });
    t.is(ended.code, 0, ended.stdout + ended.stderr);
  }
});

compilerTest('a poller in rare cases: sanitizers address,undefined', async (t) => {
  t.timeout(buildBoundMs + boundMs);
  const program = await build(t, 'poller-cases', ['-fsanitize=address,undefined']);
  const ended = await run(program, [], { timeoutMs: boundMs });
  t.is(ended.code, 0, ended.stdout + ended.stderr);
});

compilerTest('how long octets have waited is told of connections alone: sanitizers address,undefined', async (t) => {
  t.timeout(buildBoundMs + boundMs);
  const program = await build(t, 'socket-waits', ['-fsanitize=address,undefined']);
  const ended = await run(program, [], { timeoutMs: boundMs });
  t.is(ended.code, 0, ended.stdout + ended.stderr);
});

// Without a sanitizer: it would come between the program and its own epoll_ctl.
compilerTest('a receiver that is full and not yet entered gets its octets later', async (t) => {
  t.timeout(buildBoundMs + boundMs);
  const program = await build(t, 'relay-handover', []);
  const ended = await run(program, [], { timeoutMs: boundMs });
  t.is(ended.code, 0, ended.stdout + ended.stderr);
});

// Nor with one here, for the sake of what it counts.
compilerTest('streams that never rest make nobody wait for more than a turn', async (t) => {
  t.timeout(buildBoundMs + boundMs);
  const program = await build(t, 'relay-turns', []);
  const ended = await run(program, [], { timeoutMs: boundMs });
  t.is(ended.code, 0, ended.stdout + ended.stderr);
  t.log(ended.stdout.trim());
});
