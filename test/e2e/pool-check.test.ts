import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { CheckedExit } from '../../src/admin/check-command.ts';
import { startHttpExit, startSocks5Exit } from '../support/exits.ts';
import { startFaultExit } from '../support/fault-exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

const launcher = fileURLToPath(new URL('../../src/cli/roundabout.js', import.meta.url));

interface Found {
  readonly total: number;
  readonly done: number;
  readonly ended: string;
  readonly frozen: number | null;
  readonly results: readonly CheckedExit[];
}

async function scene(t: ExecutionContext, more: Readonly<Record<string, unknown>> = {}) {
  const [http, socks, silent] = await Promise.all([
    startHttpExit(),
    startSocks5Exit(),
    startFaultExit({ protocol: 'http', mode: 'blackhole' }),
  ]);
  const dead = await startFaultExit({ protocol: 'http', mode: 'refuse' });
  const peers = [http, socks, silent, dead];
  t.teardown(() => Promise.all(peers.map((peer) => peer.close())));
  const exits = [http, socks, silent, dead].map(({ url }) => ({ url }));
  const gateway = await startGateway({ pools: { main: { probe: { budget: 0 }, exits, ...more } } });
  return {
    gateway,
    kindOf: (found: Found) => new Map(found.results.map(({ endpoint, kind }) => [endpoint, kind])),
    http,
    socks,
    silent,
    dead,
  };
}

const check = async (gateway: Gateway, ...args: string[]) => {
  const ended = await gateway.command('pool', 'check', ...args);
  return { ...ended, found: (ended.stdout.startsWith('{') ? JSON.parse(ended.stdout) : null) as Found };
};

test.serial('every exit is tried by the running gateway, the dead are frozen, and selection has learned', async (t) => {
  t.timeout(180_000);
  const { gateway, kindOf, http, socks, silent, dead } = await scene(t);
  t.teardown(() => gateway.stop());
  const { code, found, stderr } = await check(gateway, 'main', '--json', '--timeout', '3s', '--fix');
  t.is(code, 1, stderr);
  t.regex(stderr, /main: 4 exits, some .* and at most /);
  t.like(found, { total: 4, done: 4, ended: 'finished', frozen: 2 });
  const kinds = kindOf(found);
  for (const { url } of [http, socks]) t.is(kinds.get(url), 'ok', JSON.stringify(found));
  t.is(kinds.get(silent.url), 'exit_timeout');
  t.is(kinds.get(dead.url), 'exit_refused');
  const states = JSON.parse((await gateway.command('exit', 'states', '--json')).stdout);
  t.deepEqual(states.map(({ reason }: { reason: string }) => reason).sort(), [
    'pool check: exit_refused',
    'pool check: exit_timeout',
  ]);
  const list = JSON.parse((await gateway.command('exit', 'list', '--json')).stdout);
  const broken = list.find(({ endpoint }: { endpoint: string }) => endpoint === dead.url);
  t.like(broken, { live: { failuresInRow: 1 }, seen: { kind: 'exit_refused', source: 'check' } });
  const text = await check(gateway, 'main', '--timeout', '3s');
  t.regex(text.stdout, /^RESULT +EXITS/);
  t.regex(text.stdout, /ok +2 +50\.0 %/);
  t.is((await check(gateway, 'nope')).code, 3);
  t.is((await check(gateway, 'main', '--resume')).code, 2);
  const wrong = await check(gateway, 'main', '--target', 'ftp://x');
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /--target/);
});

test.serial('without a gateway the command makes the check itself, and where it costs money it asks', async (t) => {
  t.timeout(180_000);
  const { gateway, kindOf, http, dead } = await scene(t, { price: { perGB: 4, currency: 'USD' } });
  await gateway.stop({ keepFolder: true });
  const refused = await check(gateway, 'main');
  t.is(refused.code, 6, refused.stderr);
  t.regex(refused.stderr, /USD/);
  t.regex(refused.stderr, /add --yes/);
  const { found, stderr } = await check(gateway, '--yes', '--json', '--timeout', '3s');
  t.regex(stderr, /no gateway runs/);
  t.is(kindOf(found).get(http.url), 'ok');
  t.is(kindOf(found).get(dead.url), 'exit_refused');
  const again = await gateway.startAgain();
  t.teardown(() => again.stop());
  const list = JSON.parse((await again.command('exit', 'list', '--json')).stdout);
  t.is(
    list.filter(({ seen }: { seen: { source: string } | null }) => seen?.source === 'check').length,
    4,
    'what was seen is kept',
  );
});

test.serial('a check that was stopped, or killed in the middle of a line, is taken up where it was', async (t) => {
  t.timeout(180_000);
  const silent = await startFaultExit({ protocol: 'http', mode: 'blackhole' });
  t.teardown(() => silent.close());
  // Quick ones first, so that there is something to stop in the middle of.
  const exits = Array.from({ length: 60 }, (_, index) => ({
    url: index < 30 ? `http://127.2.0.${index + 1}:9` : `http://user${index}:x@127.0.0.1:${silent.port}`,
  }));
  const gateway = await startGateway({ pools: { main: { probe: { budget: 0 }, exits } } });
  t.teardown(() => gateway.stop());
  const config = join(gateway.folder, 'roundabout.yaml');
  const args = ['pool', 'check', '--json', '--concurrency', '1', '--timeout', '400ms', '--config', config];
  const child = spawn(process.execPath, [launcher, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, said] = ['', ''];
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const closed = once(child, 'close');
  const journal = join(gateway.folder, 'data', 'check.journal');
  const lines = async () => (await readFile(journal, 'utf8').catch(() => '')).split('\n').length;
  await until(async () => (await lines()) >= 5 || child.exitCode !== null);
  child.kill('SIGINT');
  // npm, and our launcher, pass on what the terminal has sent to all of them.
  await sleep(30);
  child.kill('SIGINT');
  const [code] = await closed;
  t.is(code, 1, said);
  const first: Found = JSON.parse(text);
  t.is(first.ended, 'stopped');
  t.true(first.done >= 3 && first.done < 60, `${first.done}`);
  // A kill leaves half a line behind.
  await writeFile(journal, '{"exit":"torn', { flag: 'a' });
  const { found } = await check(gateway, '--resume', '--json', '--timeout', '400ms', '--concurrency', '60');
  t.like(found, { ended: 'finished', total: 60, done: 60 });
  t.is(new Set(found.results.map(({ exit }) => exit)).size, 60);
  t.is((await check(gateway, '--resume')).code, 2, 'nothing is left to go on with');
});
