import test from 'ava';
import { forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';
import { makeProject } from './project.ts';

test('an operator lists, shows, moves and ends sessions', async (t) => {
  const origin = await startOrigin();
  const exits = await Promise.all(Array.from({ length: 3 }, () => startHttpExit()));
  const gateway = await startGateway({
    clients: { tester: [], other: [] },
    pools: { res: { exits: exits.map(({ url }, i) => ({ url, country: ['de', 'de', 'us'][i], asn: 64_500 })) } },
  });
  const exitOf = async (parameters: string, client = 'tester') => {
    const login = gateway.login(client, parameters);
    const { headers, reason } = await forwardVia(gateway.port(), `${origin.url}/echo`, { login });
    return String(headers['roundabout-exit'] ?? reason).split(';')[0];
  };
  const asked = async (...args: string[]) => {
    const { code, stdout, stderr } = await gateway.command('session', ...args, '--json');
    t.is(code, 0, stderr);
    return JSON.parse(stdout);
  };
  try {
    const held = await exitOf('session-a-strict-1-country-de');
    for (const name of ['a', 'b', 'c']) await exitOf(`session-${name}`, 'other');
    t.like(await asked('show', 'a', '--client', 'tester'), { exit: held, strict: true, state: 'held', country: 'de' });
    t.is((await asked('list')).sessions.length, 4);
    const some = await gateway.command('session', 'list', '--client', 'other', '--limit', '2');
    t.is(some.stdout.trim().split('\n').length, 3);
    t.regex(some.stderr, /and 1 more/);

    t.is((await gateway.command('session', 'show', 'a')).code, 2);
    t.is((await gateway.command('session', 'show', 'nobody')).code, 3);
    const moved = await asked('move', 'a', '--client', 'tester');
    t.like(moved, { country: 'de', moves: 1, strict: true, state: 'chosen' });
    t.not(moved.exit, held);
    t.is(await exitOf('session-a-strict-1-country-de'), moved.exit);
    t.is((await asked('list', '--exit', moved.exit, '--client', 'tester')).sessions.length, 1);

    await asked('end', 'a', '--client', 'tester');
    t.is((await asked('list', '--client', 'tester')).sessions.length, 0);
    t.is((await gateway.command('session', 'list', '--client', 'tester')).stdout, 'no sessions\n');
    t.is((await gateway.command('session', 'list', '--limit', 'x')).code, 2);
  } finally {
    await gateway.stop();
    await Promise.all([origin, ...exits].map((peer) => peer.close()));
  }
});

test('without a gateway there are no sessions to be shown', async (t) => {
  const { code, stderr } = await makeProject(t).command('session', 'list');
  t.not(code, 0);
  t.regex(stderr, /no gateway runs/);
});
