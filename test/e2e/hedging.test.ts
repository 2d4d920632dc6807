import test from 'ava';
import { connectVia, forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { startFaultExit } from '../support/fault-exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { keepPeers } from '../support/peers.ts';

const { keep, closeAll } = keepPeers();
let gateway: Gateway;
let origin: Origin;

test.before(async () => {
  origin = keep(await startOrigin());
  const silent = keep(await startFaultExit({ protocol: 'http', mode: 'blackhole' }));
  const good = keep(await startHttpExit());
  const exits = [silent, good].map(({ url }) => ({ url }));
  // A probe of the silent exit would eject it.
  const plain = { strategy: 'round-robin', probe: { budget: 0 } };
  gateway = await startGateway({
    config: {
      timeouts: { dial: '20s', attempts: '20s' },
      limits: { sites: ['site=localhost exchanges=1'] },
      // Every exchange may be raced, and as soon as it is later than exits are expected to be.
      selection: { leastPatience: '60s', leastHedge: '50ms', hedgeShare: 1, noise: 0.001, diversity: 0.001 },
    },
    pools: {
      asked: { ...plain, exits },
      always: { ...plain, hedge: true, exits },
      // A failure ejects the silent exit, so that each case needs a pool in which it hasn't failed yet.
      unasked: { ...plain, hedge: true, exits },
      session: { ...plain, hedge: true, exits },
      once: { ...plain, hedge: true, exits },
      paced: { ...plain, hedge: true, exits },
    },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await closeAll();
});

/** What is known of the exits of a pool, the silent one first. */
async function figuresOf(pool: string): Promise<{ inFlight: number; failuresInRow: number }[]> {
  const listed = await gateway.command('exit', 'list', '--pool', pool, '--json');
  return JSON.parse(listed.stdout).map(({ live }: { live: { inFlight: number; failuresInRow: number } }) => live);
}

/** The attempts of the last exchange in the log. */
async function attemptsOf(exchanges: number): Promise<string[]> {
  const line = (await gateway.accessLog(exchanges)).at(-1);
  const attempts = line?.['attempts'] as { kind: string }[] | undefined;
  return (attempts ?? []).map(({ kind }) => kind);
}

test.serial('a late tunnel is raced by another exit; the silent one is let go, and not blamed', async (t) => {
  for (const [parameters, exchanges] of [
    ['pool-asked-hedge-1', 1],
    ['pool-always', 2],
  ] as const) {
    const tunnel = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, {
      login: gateway.login('tester', parameters),
    });
    t.regex(tunnel.head, /^HTTP\/1\.1 200 /);
    tunnel.socket.destroy();
    t.deepEqual(await attemptsOf(exchanges), ['ok']);
    t.like(await figuresOf(parameters.split('-')[1]!), [
      { inFlight: 0, failuresInRow: 0 },
      { inFlight: 0, failuresInRow: 0 },
    ]);
  }
});

test.serial('so is a late request that may be repeated', async (t) => {
  const answer = await forwardVia(gateway.port(), `${origin.url}/echo`, {
    login: gateway.login('tester', 'pool-always'),
  });
  t.is(answer.status, 200);
  t.deepEqual(await attemptsOf(3), ['ok']);
  t.like(await figuresOf('always'), [{ inFlight: 0, failuresInRow: 0 }]);
});

test.serial(
  'nobody races an exchange that asked not to be, belongs to a session, or may not be sent twice',
  async (t) => {
    const ask = (parameters: string, more = {}) => {
      const login = gateway.login('tester', `${parameters}-timeout-5s-retry-1`);
      return forwardVia(gateway.port(), `${origin.url}/echo`, { login, ...more });
    };
    t.is((await ask('pool-unasked-hedge-0')).status, 200);
    t.deepEqual(await attemptsOf(4), ['exit_timeout', 'ok']);
    t.is((await ask('pool-session-session-a')).status, 200);
    t.deepEqual(await attemptsOf(5), ['exit_timeout', 'ok']);
    t.is((await ask('pool-once', { method: 'POST', content: 'x' })).status, 504);
    t.deepEqual(await attemptsOf(6), ['exit_timeout']);
  },
);

test.serial('nor one whose site has no place for another', async (t) => {
  const login = gateway.login('tester', 'pool-paced-timeout-5s-retry-1');
  t.is((await forwardVia(gateway.port(), `http://localhost:${origin.port}/echo`, { login })).status, 200);
  t.deepEqual(await attemptsOf(7), ['exit_timeout', 'ok']);
});
