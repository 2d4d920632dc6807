import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Health } from '../../src/admin/health.ts';
import { askGateway } from '../../src/cli/control-client.ts';
import { Clients } from '../../src/store/clients.ts';
import { openStore } from '../../src/store/database.ts';
import { ensureFolder } from '../../src/store/folder.ts';
import { loadSecretKey } from '../../src/store/secret-key.ts';
import type { Login } from './clients.ts';
import { type Ended, run } from './programs.ts';
import { boundMs } from './until.ts';

/** What a gateway under test is made of. */
export interface GatewayOptions {
  /** Laid over the defaults key by key: one mixed listener named `mixed` and the admin listener, at ephemeral ports; loopback
   *  open to every pool; the first pool the default one. A text stands as the whole file. */
  readonly config?: Readonly<Record<string, unknown>> | string;
  /** Pool documents by name; `pool` is filled in. */
  readonly pools: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Clients to be added, with more arguments of `client add`. One named `tester` unless told. */
  readonly clients?: Readonly<Record<string, readonly string[]>>;
  /** More files for the folder, by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: NodeJS.ProcessEnv;
  /** Descriptors that it may open: takes `prlimit`. */
  readonly openFiles?: number;
}

/** One line of the access log. */
export type AccessLine = Readonly<Record<string, unknown>>;

/** A running gateway, in a process and a temporary folder of its own. */
export interface Gateway {
  readonly folder: string;
  readonly pid: number;
  /** The port of a listener by name; `admin` is the admin listener's. */
  port(listener?: string): number;
  /** The credential of a client, with username parameters such as `session-a-country-us`. */
  login(client?: string, parameters?: string): Login;
  /** A proxy URL with that credential in it, at the listener (`mixed` unless told). */
  proxyUrl(scheme: string, options?: { client?: string; parameters?: string; listener?: string }): string;
  /** The access log so far; with `atLeast`, once it has so many lines (within a minute). */
  accessLog(atLeast?: number): Promise<readonly AccessLine[]>;
  /** What `roundabout health` tells, without a process for it. */
  health(): Promise<Health>;
  /** Runs `roundabout` with the gateway's config. */
  command(...args: string[]): Promise<Ended>;
  signal(signal: NodeJS.Signals): void;
  /** All that was said on standard output and standard error. */
  output(): string;
  /** SIGTERM; resolves with the exit code and takes the folder away, unless told. The second call only waits. */
  stop(options?: { keepFolder?: boolean }): Promise<number | null>;
  /** SIGKILL, and the same; `keepFolder` for a start from what is left. */
  kill(options?: { keepFolder?: boolean }): Promise<void>;
  /** SIGTERM, and the folder stays. */
  terminate(): Promise<number | null>;
  /** Another gateway on the folder that an ended one has left. */
  startAgain(): Promise<Gateway>;
}

interface Ready {
  readonly pid: number;
  readonly listeners: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  readonly admin: { readonly host: string; readonly port: number };
}

const launcher = fileURLToPath(new URL('../../src/cli/roundabout.js', import.meta.url));
const startBoundMs = 2 * boundMs;
/** From SIGTERM on, with what exchanges under way have by default. */
const endBoundMs = 2 * boundMs;

/** Writes config and pools into a new folder, adds the clients, starts the gateway, and resolves when it serves. Rejects with
 *  its output where it does not. No gateway outlives the test's process. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-gateway-'));
  try {
    await writeFolder(folder, options);
    const logins = await addClients(folder, options);
    return await serve(folder, logins, options);
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
}

async function writeFolder(folder: string, { config = {}, pools, files = {} }: GatewayOptions): Promise<void> {
  const loopback = { host: '127.0.0.1', port: 0 };
  const defaults = {
    listeners: [{ ...loopback, name: 'mixed', protocols: ['http', 'https', 'socks5'] }],
    admin: loopback,
    data: './data',
    pools: './pools',
    defaultPool: Object.keys(pools)[0],
    rules: { allow: [{ cidr: '127.0.0.0/8' }, { cidr: '::1/128' }] },
    // A busy machine makes good exits slow: no attempt is given up for that.
    selection: { leastPatience: '60s' },
  };
  // And it makes everything late: nothing is refused for that.
  const overload = { enabled: false };
  // JSON is YAML.
  const text =
    typeof config === 'string'
      ? config
      : JSON.stringify({ ...defaults, ...config, limits: { overload, ...limitsOf(config) } }, null, 2);
  await mkdir(join(folder, 'pools'));
  await writeFile(configPath(folder), text);
  for (const [name, pool] of Object.entries(pools)) {
    await writeFile(
      join(folder, 'pools', `${name}.yaml`),
      JSON.stringify({ pool: name, tier: 'dc', ...pool }, null, 2),
    );
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

const limitsOf = ({ limits }: Readonly<Record<string, unknown>>): object =>
  typeof limits === 'object' && limits !== null ? limits : {};

const configPath = (folder: string) => join(folder, 'roundabout.yaml');

async function addClients(folder: string, options: GatewayOptions): Promise<Map<string, Login>> {
  const given = Object.entries(options.clients ?? { tester: [] });
  const bare = given.flatMap(([name, more]) => (more.length === 0 ? [name] : []));
  const secrets = addBareClients(join(folder, 'data'), bare);
  const logins = new Map<string, Login>();
  for (const [username, more] of given) {
    const password = secrets.get(username) ?? (await addByCommand(folder, [username, ...more], options));
    logins.set(username, { username, password });
  }
  return logins;
}

/** Adds clients without settings as `client add` does, but without its process, which takes a third of what a gateway's start does.
 *  Returns their secrets. */
function addBareClients(data: string, names: readonly string[]): Map<string, string> {
  if (names.length === 0) return new Map();
  ensureFolder(data);
  const store = openStore(data, { now: Date.now });
  try {
    const clients = new Clients(store, loadSecretKey(data));
    return new Map(names.map((name) => [name, clients.addClient({ name }).secret ?? '']));
  } finally {
    store.close();
  }
}

/** Returns the client's secret. */
async function addByCommand(folder: string, given: readonly string[], { env }: GatewayOptions): Promise<string> {
  const args = ['client', 'add', ...given, '--config', configPath(folder), '--json'];
  const ended = await run(process.execPath, [launcher, ...args], { env });
  if (ended.code !== 0) throw new Error(`client add ${given.join(' ')}: ${ended.stderr}${ended.stdout}`);
  const { secret }: { secret: string } = JSON.parse(ended.stdout);
  return secret;
}

async function serve(folder: string, logins: Map<string, Login>, options: GatewayOptions): Promise<Gateway> {
  const { env, openFiles } = options;
  const readyFile = join(folder, 'ready.json');
  const limit = openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}`];
  const args = [launcher, 'start', '--config', configPath(folder), '--ready-file', readyFile];
  const [program = '', ...given] = [...limit, process.execPath, ...args];
  const child = spawn(program, given, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let pid = child.pid;
  const send = (signal: NodeJS.Signals) => {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (!ended && pid !== undefined) signalTo(pid, signal);
  };
  const killAtExit = () => send('SIGKILL');
  process.once('exit', killAtExit);
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => {
    process.off('exit', killAtExit);
    return code ?? null;
  });
  const heard = listenTo(child);
  /** Sends SIGTERM, and resolves with the exit code. One that doesn't end is a fault, and is killed. */
  const end = async () => {
    let isLate = false;
    send('SIGTERM');
    const late = setTimeout(() => {
      send('SIGKILL');
      isLate = true;
    }, endBoundMs);
    const code = await exited;
    clearTimeout(late);
    if (isLate) throw new Error(`the gateway did not end after SIGTERM: ${heard.output()}`);
    return code;
  };
  const ready = await becomeReady(folder, readyFile, exited, heard).catch((cause) => {
    killAtExit();
    throw cause;
  });
  // The launcher may have started another Node.
  pid = ready.pid;

  const login = (client = logins.keys().next().value ?? '', parameters?: string): Login => {
    const known = logins.get(client) ?? { username: client, password: '' };
    return parameters ? { ...known, username: `${known.username}-${parameters}` } : known;
  };
  const port = (listener = 'mixed') =>
    listener === 'admin' ? ready.admin.port : (ready.listeners[listener]?.port ?? 0);
  const remove = () => rm(folder, { recursive: true, force: true });
  return {
    folder,
    pid: ready.pid,
    port,
    login,
    proxyUrl: (scheme, { client, parameters, listener } = {}) => {
      const { username, password } = login(client, parameters);
      return `${scheme}://${username}:${password}@127.0.0.1:${port(listener)}`;
    },
    accessLog: heard.accessLog,
    health: async () => {
      const reply = await askGateway(join(folder, 'data', 'roundabout.sock'), { command: 'health', args: {} }, boundMs);
      if (reply?.ok !== true) throw new Error(`health: ${JSON.stringify(reply)}`);
      return reply.result as Health;
    },
    command: (...given) => run(process.execPath, [launcher, ...given, '--config', configPath(folder)], { env }),
    signal: send,
    output: heard.output,
    stop: async ({ keepFolder = false } = {}) => {
      const code = await end();
      if (!keepFolder) await remove();
      return code;
    },
    kill: async ({ keepFolder = false } = {}) => {
      send('SIGKILL');
      await exited;
      if (!keepFolder) await remove();
    },
    terminate: end,
    startAgain: async () => {
      await rm(readyFile, { force: true });
      return serve(folder, logins, options);
    },
  };
}

/** Nothing happens where the process has ended already. */
function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {}
}

/** Resolves with the ready file's content once it is there and whole; rejects when the process ends first. */
async function becomeReady(folder: string, file: string, exited: Promise<unknown>, heard: Heard): Promise<Ready> {
  const watcher = watch(folder);
  const bound = AbortSignal.timeout(startBoundMs);
  const left = exited.then(() => Promise.reject(new Error(`the gateway ended: ${heard.output()}`)));
  try {
    for (;;) {
      // Listening before reading, so that no change falls between the two.
      const changed = Promise.race([once(watcher, 'change', { signal: bound }), left]);
      changed.catch(() => {});
      const ready = await readReady(file);
      if (ready !== null) return ready;
      await changed.catch((cause) => {
        throw bound.aborted ? new Error(`the gateway is not ready: ${heard.output()}`) : cause;
      });
    }
  } finally {
    left.catch(() => {});
    watcher.close();
  }
}

async function readReady(file: string): Promise<Ready | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return null;
  }
}

interface Heard {
  output(): string;
  accessLog(atLeast?: number): Promise<readonly AccessLine[]>;
}

/** Collects what a gateway says. The access log's lines are the JSON objects on standard output. */
function listenTo(child: ChildProcess): Heard {
  const lines: AccessLine[] = [];
  let said = '';
  let tail = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
    const texts = (tail + chunk).split('\n');
    tail = texts.pop() ?? '';
    lines.push(...texts.filter((text) => text.startsWith('{')).map((text) => JSON.parse(text) as AccessLine));
  });
  return {
    output: () => said,
    accessLog: async (atLeast = 0) => {
      const signal = AbortSignal.timeout(boundMs);
      while (lines.length < atLeast && child.stdout) {
        await once(child.stdout, 'data', { signal }).catch(() => {
          throw new Error(`${lines.length} of ${atLeast} lines in the access log`);
        });
      }
      return [...lines];
    },
  };
}
