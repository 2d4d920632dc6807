/** Runs the acceptance table of a folder of WSGI stacks (its `check.py`) against the gateway with a login: over a direct pool,
 *  over Squid as an HTTP exit, and over microsocks as a SOCKS exit. Prints what failed, and ends with 1 if anything did.
 *
 *      node test/interop/stacks.ts FOLDER WORK
 *
 *  WORK is a folder that every user may enter: the stacks' servers run as another one. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LibraryExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { run } from '../support/programs.ts';
import { exitAddress, startMicrosocks, startSquid } from './system-exits.ts';

const credential = { username: 'exit', password: 's3cret' };
const tableBoundMs = 300_000;

const [folder = '', work = ''] = process.argv.slice(2).map((path) => resolve(path));
// Below the ports that systems give to clients, and hardly ever the same in two runs.
const portBase = 20_000 + 200 * (process.pid % 50);
/** As many as one table takes. */
const portSpan = 60;

async function main(): Promise<boolean> {
  const [squid, microsocks] = [await startSquid(credential), await startMicrosocks(credential)];
  const gateway = await start({ squid, microsocks });
  // Apache's crawlers, which are another user's, have to read it.
  await copyFile(join(gateway.folder, 'data', 'certificate.pem'), join(work, 'ca.pem'));
  // At once: a table waits more than it works.
  const results = await Promise.all(
    ['direct', 'squid', 'microsocks'].map(async (pool, i) => {
      const ports = portBase + i * portSpan;
      return (await check(gateway, pool, ports)) || (await check(gateway, pool, ports, 'again'));
    }),
  );
  await gateway.stop();
  await Promise.all([squid.close(), microsocks.close()]);
  return results.every(Boolean);
}

/** A gateway with a pool and a client of each name. */
function start({ squid, microsocks }: Record<'squid' | 'microsocks', LibraryExit>): Promise<Gateway> {
  const loopback = { host: '127.0.0.1', port: 0 };
  return startGateway({
    config: {
      listeners: [
        { ...loopback, name: 'mixed', protocols: ['http', 'https', 'socks5'] },
        { ...loopback, name: 'tls', protocols: ['https'] },
      ],
    },
    pools: {
      direct: { exits: [{ direct: true }] },
      squid: { exits: [{ url: squid.url }] },
      microsocks: { exits: [{ url: microsocks.url }] },
    },
    clients: {
      direct: ['--pool', 'direct'],
      squid: ['--pool', 'squid', '--params', 'pool-squid'],
      microsocks: ['--pool', 'microsocks', '--params', 'pool-microsocks'],
    },
  });
}

/** That each of a server's processes gets work in time is chance on a busy machine: a table that fails is tried once more, and both are
 *  told. */
async function check(gateway: Gateway, pool: string, ports: number, time = 'once'): Promise<boolean> {
  const { username, password } = gateway.login(pool);
  const at = (listener: string) => `127.0.0.1:${gateway.port(listener)}`;
  const table = [join(folder, 'check.py'), '--user', username, '--password', password];
  const ways = ['--http', at('mixed'), '--https', at('tls'), '--socks', at('mixed')];
  const trust = ['--ca', join(work, 'ca.pem')];
  const exit = pool === 'direct' ? [] : ['--exit-ip', exitAddress];
  const stackWork = join(work, `${pool}-${time}`);
  await mkdir(stackWork, { mode: 0o755 });
  const env = { WORK: stackWork, PORT_BASE: `${ports}`, GATEWAY_SESSION_USER: '{user}-session-{session}' };
  const { code, stdout, stderr } = await run('/usr/bin/python3', [...table, ...ways, ...trust, ...exit], {
    env,
    timeoutMs: tableBoundMs,
  });
  await writeFile(join(work, `${pool}-${time}.txt`), stdout + stderr);
  const rows = stdout.split('\n');
  for (const row of rows.filter((line) => line.startsWith('FAIL'))) console.log(row);
  if (code !== 0) console.log(stderr.slice(-2_000));
  console.log(`stacks over ${pool}, ${time}: ${rows.at(-2) ?? 'no rows'}`);
  return code === 0;
}

process.exit((await main()) ? 0 : 1);
