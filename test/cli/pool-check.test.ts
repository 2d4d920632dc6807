import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { launcher, makeProject } from './project.ts';

interface Asked {
  readonly command: string;
  readonly args: { readonly exits?: readonly string[]; readonly since?: number };
}

const found = (exit: string) => ({
  exit,
  pool: 'res',
  endpoint: 'http://h:1',
  kind: 'exit_refused',
  dead: true,
  ms: 3,
});

interface Script {
  readonly dead?: boolean;
  /** Whether the check goes on until it is stopped. */
  readonly isEndless?: boolean;
  /** What passes between a request and its reply. */
  readonly meanwhile?: (command: string) => Promise<unknown>;
}

/** A project whose gateway finds three exits, of which one is retired, one frozen for a while, and one was; dead unless told. */
function projectWithGateway(
  t: ExecutionContext,
  freeze: object,
  { dead = true, isEndless = false, meanwhile = async () => {} }: Script = {},
) {
  const project = makeProject(t);
  mkdirSync(join(project.folder, 'data'));
  const results = ['aaa', 'bbb', 'ccc'].map((exit) => ({ ...found(exit), dead }));
  const state = { check: 'x', total: 3, done: 3, before: 0, byKind: { exit_refused: 3 }, octets: 0, elapsedMs: 9 };
  const frozen: (readonly string[] | undefined)[] = [];
  const asked = new Set<string>();
  const answer = ({ command, args }: Asked): object => {
    if (command === 'check.plan') {
      return { pools: [{ pool: 'res', exits: 3, atMost: 1, usual: 1, price: null }], unfinished: null };
    }
    if (command === 'exit.states') {
      return [
        { exit: 'aaa', site: null, state: 'retired', until: null },
        { exit: 'bbb', site: null, state: 'frozen', until: '2999-01-01T00:00:00.000Z' },
        { exit: 'ccc', site: null, state: 'frozen', until: '2001-01-01T00:00:00.000Z' },
      ];
    }
    const ended = !isEndless ? 'finished' : asked.has('check.stop') ? 'stopped' : null;
    return { ...state, ended, results: command === 'check.poll' ? results.slice(args.since) : [] };
  };
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', async (chunk) => {
        const request: Asked = JSON.parse(String(chunk));
        asked.add(request.command);
        if (request.command === 'exit.freeze') frozen.push(request.args.exits);
        const reply = request.command === 'exit.freeze' ? freeze : { ok: true, result: answer(request) };
        await meanwhile(request.command);
        socket.end(`${JSON.stringify(reply)}\n`);
      });
  });
  server.listen(join(project.folder, 'data', 'roundabout.sock'));
  t.teardown(() => server.close());
  return { ...project, frozen, asked };
}

test('of the dead those are frozen that are neither retired nor frozen for a while', async (t) => {
  const { command, frozen } = projectWithGateway(t, { ok: true, result: { changed: [{ exit: 'ccc' }], unknown: [] } });
  const { code, stdout, stderr } = await command('pool', 'check', 'res', '--fix', '--json');
  t.is(code, 1);
  t.deepEqual(frozen, [['ccc']]);
  t.like(JSON.parse(stdout), { frozen: 1, freezeFault: null });
  t.regex(stderr, /^1 dead exits are frozen, 2 more were frozen or retired before$/m);
});

test('where none is dead nothing is asked of what was said of exits', async (t) => {
  const { command, asked } = projectWithGateway(t, { ok: false }, { dead: false });
  const { stderr } = await command('pool', 'check', 'res', '--fix', '--json');
  t.regex(stderr, /^0 dead exits are frozen$/m);
  t.false(asked.has('exit.states'));
});

test('what was found is shown also where the dead can’t be frozen', async (t) => {
  const error = { code: 'full', message: 'the disk is full', remedy: 'free some space' };
  const { command } = projectWithGateway(t, { ok: false, error });
  const { code, stdout, stderr } = await command('pool', 'check', 'res', '--fix', '--json');
  t.is(code, 1);
  const found = JSON.parse(stdout);
  t.like(found, { frozen: 0, freezeFault: error });
  t.is(found.results.length, 3);
  t.regex(stderr, /^0 dead exits are frozen, 2 .*\nthe others are not: the disk is full\n {2}free some space$/m);
});

test('the echo of an interrupt doesn’t end what freezes the dead and shows what was found', async (t) => {
  let interrupt = () => {};
  const meanwhile = async (command: string) => {
    if (command === 'check.poll') {
      interrupt();
      // Heard before the reply, so that the check is stopped at once.
      await sleep(30);
    }
    // npm's echo is late, and the gateway takes its time.
    if (command === 'check.stop') void sleep(50).then(() => child.kill('SIGINT'));
    if (command === 'exit.states') await sleep(200);
  };
  const changed = { ok: true, result: { changed: [{ exit: 'ccc' }], unknown: [] } };
  const { folder } = projectWithGateway(t, changed, { isEndless: true, meanwhile });
  const child = spawn(process.execPath, [launcher, 'pool', 'check', 'res', '--fix', '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  interrupt = () => {
    interrupt = () => {};
    child.kill('SIGINT');
  };
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  t.is(code, 1);
  t.like(JSON.parse(text), { ended: 'stopped', frozen: 1 });
});
