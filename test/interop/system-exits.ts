import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { open } from '../support/clients.ts';
import type { LibraryExit } from '../support/exits.ts';
import { freePort } from '../support/free-port.ts';
import { type ExitCredential, exitUrl } from '../support/http-exits.ts';
import { run } from '../support/programs.ts';
import { commands } from './system-programs.ts';

/** The address that these exits leave by, so that an origin can tell who came over them. */
export const exitAddress = '127.0.0.2';

const startBoundMs = 60_000;

/** Starts microsocks, which asks for `credential`. */
export async function startMicrosocks({ username, password }: ExitCredential): Promise<LibraryExit> {
  const port = await freePort();
  const args = ['-i', '127.0.0.1', '-p', String(port), '-b', exitAddress, '-u', username, '-P', password];
  const stop = await startProgram(commands.microsocks, args, port);
  return { port, url: exitUrl('socks5', port, { username, password }), close: stop };
}

/** Starts Squid without a cache, which asks for `credential`. */
export async function startSquid({ username, password }: ExitCredential): Promise<LibraryExit> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-squid-'));
  // Started by root, it and its helpers go on as another user.
  await chmod(folder, 0o755);
  const hashed = await run('openssl', ['passwd', '-apr1', '-stdin'], { input: password });
  await writeFile(join(folder, 'passwd'), `${username}:${hashed.stdout}`);
  const lines = [
    `http_port 127.0.0.1:${port}`,
    `tcp_outgoing_address ${exitAddress}`,
    `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${join(folder, 'passwd')}`,
    'auth_param basic children 2',
    'acl known proxy_auth REQUIRED',
    'http_access allow known',
    'http_access deny all',
    'cache deny all',
    'cache_mem 8 MB',
    'pid_filename none',
    'access_log none',
    'cache_log /dev/stderr',
    'netdb_filename none',
    'logfile_rotate 0',
    'pinger_enable off',
    'shutdown_lifetime 1 second',
    'visible_hostname squid.test',
    // Squid 5.7 loses fast uploads with a smaller one (its bug 5405).
    'client_request_buffer_max_size 16 MB',
  ];
  const config = join(folder, 'squid.conf');
  await writeFile(config, `${lines.join('\n')}\n`);
  const stop = await startProgram(commands.squid, ['-N', '-n', `roundabout${port}`, '-f', config], port);
  const close = async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { port, url: exitUrl('http', port, { username, password }), close };
}

/** Starts a program that listens at `port`, and resolves with what ends it, once it accepts connections. */
async function startProgram(command: string, args: readonly string[], port: number): Promise<() => Promise<void>> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const killAtExit = () => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const exited = once(child, 'exit').finally(() => process.off('exit', killAtExit));
  exited.catch(() => {});
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(killAtExit, startBoundMs);
    await exited;
    clearTimeout(late);
  };
  const giveUpAt = performance.now() + startBoundMs;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > giveUpAt) {
      killAtExit();
      throw new Error(`${command} does not listen: ${said}`);
    }
    // Nothing tells that another program listens but a connection to it.
    await pause(20);
  }
  return stop;
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await open(port)).destroy();
    return true;
  } catch {
    return false;
  }
}
