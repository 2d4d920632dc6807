import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Answer, connectVia, forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { keepPeers } from '../support/peers.ts';
import { until } from '../support/until.ts';

// What an operator says of exits and pools, and what clients see of it.

const { keep, closeAll } = keepPeers();
let origin: Origin;

test.before(async () => {
  origin = keep(await startOrigin());
});

test.after.always(closeAll);

/** A gateway with so many exits in a pool of this strategy, and their ids. */
async function startPool(t: ExecutionContext, { count = 3, strategy = 'learned' } = {}) {
  const exits = await Promise.all(Array.from({ length: count }, async () => keep(await startHttpExit())));
  const gateway = await startGateway({ pools: { res: { strategy, exits: exits.map(({ url }) => ({ url })) } } });
  t.teardown(() => gateway.stop());
  return { gateway, ids: await idsOf(gateway), exits };
}

async function idsOf(gateway: Gateway, ...filter: string[]): Promise<string[]> {
  const listed: { id: string }[] = JSON.parse((await gateway.command('exit', 'list', ...filter, '--json')).stdout);
  return listed.map(({ id }) => id);
}

const get = (gateway: Gateway, { parameters = '', host = 'localhost' } = {}): Promise<Answer> =>
  forwardVia(gateway.port(), `http://${host}:${origin.port}/`, { login: gateway.login('tester', parameters) });

const exitOf = ({ headers }: Answer) => String(headers['roundabout-exit']).split(';')[0] ?? '';

/** The exits that so many requests went over. */
async function usedBy(gateway: Gateway, count: number, options = {}): Promise<Set<string>> {
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(await get(gateway, options));
  return new Set(answers.map((answer) => (answer.status === 200 ? exitOf(answer) : answer.reason)));
}

async function run(t: ExecutionContext, gateway: Gateway, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await gateway.command(...args);
  t.is(code, 0, stderr);
  return stdout;
}

for (const strategy of ['learned', 'round-robin', 'least-in-flight'])
  test.serial(`${strategy}: a frozen exit takes nothing, by no way, until it is thawed`, async (t) => {
    const { gateway, ids } = await startPool(t, { strategy });
    const [one = '', two = '', three = ''] = ids;
    // It is remembered as a good one.
    await usedBy(gateway, 12);
    await run(t, gateway, 'exit', 'freeze', one, two.slice(0, 6));
    t.deepEqual(await usedBy(gateway, 20), new Set([three]));
    t.deepEqual(await usedBy(gateway, 3, { parameters: `exit-${one}` }), new Set(['no_exit_for_target']));
    t.deepEqual(await usedBy(gateway, 3, { parameters: 'tier-auto' }), new Set([three]));
    t.deepEqual(await usedBy(gateway, 3, { parameters: `not-${three}` }), new Set(['no_exit_for_target']));
    const tunnel = await connectVia(gateway.port(), `localhost:${origin.port}`, {
      login: gateway.login('tester', `exit-${one}`),
    });
    t.is(tunnel.reason, 'no_exit_for_target');
    await run(t, gateway, 'exit', 'thaw', one);
    t.deepEqual(await usedBy(gateway, 3, { parameters: `exit-${one}` }), new Set([one]));
  });

test.serial(
  'sessions on a frozen exit move; a strict one is lost while it is frozen, and goes on afterwards',
  async (t) => {
    const { gateway } = await startPool(t);
    const exit = exitOf(await get(gateway, { parameters: 'session-a' }));
    const strict = { parameters: `session-s-strict-1-exit-${exit}` };
    t.is(exitOf(await get(gateway, strict)), exit);
    await run(t, gateway, 'exit', 'freeze', exit);
    const moved = exitOf(await get(gateway, { parameters: 'session-a' }));
    t.not(moved, exit);
    const lost = await get(gateway, strict);
    t.is(lost.reason, 'session_lost');
    t.regex(lost.content.toString(), /while its exit is frozen/);
    await run(t, gateway, 'exit', 'thaw', exit);
    t.is(exitOf(await get(gateway, strict)), exit);
    t.is(exitOf(await get(gateway, { parameters: 'session-a' })), moved, 'who moved stays');
  },
);

test.serial('who finds no exit is told in counts, by every way, and so is the log', async (t) => {
  const exits = await Promise.all(['us', 'us', 'us', 'de'].map(async () => keep(await startHttpExit())));
  const entries = exits.map(({ url }, index) => ({ url, country: index < 3 ? 'us' : 'de' }));
  const gateway = await startGateway({ pools: { res: { exits: entries }, off: { exits: [{ url: exits[0]?.url }] } } });
  t.teardown(() => gateway.stop());
  const [one = '', two = '', three = ''] = await idsOf(gateway, '--pool', 'res', '--country', 'us');
  await run(t, gateway, 'exit', 'freeze', one);
  await run(t, gateway, 'exit', 'drain', two);
  await run(t, gateway, 'exit', 'freeze', three, '--site', 'localhost');
  const us = { parameters: 'country-us' };
  const why = '0 of 4 usable; 1 frozen; 1 closed for this site; 1 draining; 1 in other countries';
  const answer = await get(gateway, us);
  t.is(answer.reason, 'no_exit_for_target');
  t.is(JSON.parse(answer.content.toString()).detail, why);
  t.true(String(answer.headers['proxy-status']).includes(why));
  t.is((await get(gateway, { ...us, host: '127.0.0.1' })).status, 200);
  const tunnel = await connectVia(gateway.port(), `localhost:${origin.port}`, {
    login: gateway.login('tester', 'country-us'),
  });
  t.is(tunnel.reason, 'no_exit_for_target');
  t.true(tunnel.head.includes(why));
  await run(t, gateway, 'pool', 'disable', 'off');
  const wide = await get(gateway, { parameters: 'tier-dc-country-us' });
  t.is(JSON.parse(wide.content.toString()).detail, `${why.replace('0 of 4', '0 of 5')}; 1 in disabled pools`);
  const nowhere = await get(gateway, { parameters: 'country-us-city-atlantis' });
  t.is(JSON.parse(nowhere.content.toString()).detail, '0 of 4 usable; 1 in other countries; 3 in other cities');
  const lines = await gateway.accessLog(4);
  // Each worker hands its lines over by itself.
  t.true(lines.some((line) => line['why'] === why));
  t.true(lines.filter(({ kind }) => kind === 'ok').every((line) => !('why' in line)));
});

test.serial('a draining exit keeps its sessions and takes nothing new', async (t) => {
  const { gateway, ids } = await startPool(t);
  const exit = exitOf(await get(gateway, { parameters: 'session-a' }));
  await run(t, gateway, 'exit', 'drain', exit);
  const used = await usedBy(gateway, 15);
  t.false(used.has(exit));
  t.true(used.size > 0 && [...used].every((id) => ids.includes(id)));
  for (let i = 0; i < 3; i++) t.is(exitOf(await get(gateway, { parameters: 'session-a' })), exit);
  for (let i = 0; i < 6; i++) t.not(exitOf(await get(gateway, { parameters: `session-n${i}` })), exit);
});

test.serial('for a site an exit is closed there and nowhere else', async (t) => {
  const { gateway, ids } = await startPool(t, { count: 2 });
  const [one = '', two = ''] = ids;
  const said = await run(t, gateway, 'exit', 'freeze', one, '--site', 'LOCALHOST', '--reason', 'banned');
  t.is(said, `exit ${one} is frozen at localhost: banned\n`);
  const session = { parameters: `session-a-exit-${two}` };
  t.is(exitOf(await get(gateway, session)), two);
  await run(t, gateway, 'exit', 'drain', two, '--site', 'localhost');
  t.is(exitOf(await get(gateway, session)), two, 'what drains at a site keeps its sessions there');
  t.deepEqual(await usedBy(gateway, 5), new Set(['no_exit_for_target']));
  t.is((await usedBy(gateway, 20, { host: '127.0.0.1' })).has('no_exit_for_target'), false);
  await run(t, gateway, 'exit', 'thaw', one, '--site', 'localhost');
  t.deepEqual(await usedBy(gateway, 5), new Set([one]));
});

test.serial(
  'what was said survives kill -9, a reload, and the leaving of an exit; times end by themselves',
  async (t) => {
    const { gateway, ids, exits } = await startPool(t);
    const [one = '', two = ''] = ids;
    await run(t, gateway, 'exit', 'freeze', one, '--reason', 'slow');
    await run(t, gateway, 'exit', 'freeze', two, '--for', '4s');
    await gateway.kill({ keepFolder: true });
    const again = await gateway.startAgain();
    t.teardown(() => again.stop());
    t.deepEqual(await usedBy(again, 1, { parameters: `exit-${one}` }), new Set(['no_exit_for_target']));
    const pool = (urls: readonly string[]) =>
      writeFile(
        join(again.folder, 'pools', 'res.yaml'),
        JSON.stringify({ pool: 'res', tier: 'dc', exits: urls.map((url) => ({ url })) }),
      );
    const urls = exits.map(({ url }) => url);
    // The order of the list is that of the ids.
    const rest = urls.filter((_, index) => ids[index] !== one);
    await pool(rest);
    await reload(again);
    t.is((await idsOf(again)).length, 2);
    const states = JSON.parse(await run(t, again, 'exit', 'states', '--json'));
    t.like(
      states.find(({ exit }: { exit: string }) => exit === one),
      { pool: null, state: 'frozen', reason: 'slow' },
    );
    await pool(urls);
    await reload(again);
    t.deepEqual(await usedBy(again, 3, { parameters: `exit-${one}` }), new Set(['no_exit_for_target']));
    await until(
      async () => (await usedBy(again, 1, { parameters: `exit-${two}` })).has(two),
      'it takes requests again',
    );
    t.false((await usedBy(again, 20)).has(one));
  },
);

test.serial('what is said without a gateway holds when it starts, and unknown exits are told', async (t) => {
  const { gateway, ids } = await startPool(t, { count: 2 });
  const [one = '', two = ''] = ids;
  const nobody = await gateway.command('exit', 'freeze', one, 'aaaaaaaaaa');
  t.is(nobody.code, 3);
  t.regex(nobody.stderr, /there is no exit "aaaaaaaaaa"/);
  t.deepEqual(await usedBy(gateway, 1, { parameters: `exit-${one}` }), new Set([one]), 'all or nothing');
  await gateway.terminate();
  await run(t, gateway, 'exit', 'freeze', one);
  const again = await gateway.startAgain();
  t.teardown(() => again.stop());
  t.deepEqual(await usedBy(again, 10), new Set([two]));
});

test.serial('a disabled pool takes nothing, says so, and stays so over a restart', async (t) => {
  const exits = await Promise.all([1, 2].map(async () => keep(await startHttpExit())));
  const [a = '', b = ''] = exits.map(({ url }) => url);
  const gateway = await startGateway({ pools: { one: { exits: [{ url: a }] }, two: { exits: [{ url: b }] } } });
  t.is((await get(gateway, { parameters: 'session-a' })).status, 200);
  await run(t, gateway, 'pool', 'disable', 'one');
  for (const parameters of ['', 'session-a', 'pool-one']) {
    const answer = await get(gateway, { parameters });
    t.is(answer.reason, 'no_exit', parameters);
    t.regex(answer.content.toString(), /pool one is disabled/);
  }
  const tunnel = await connectVia(gateway.port(), `localhost:${origin.port}`, { login: gateway.login() });
  t.is(tunnel.reason, 'no_exit');
  t.is((await get(gateway, { parameters: 'pool-two' })).status, 200);
  t.is((await get(gateway, { parameters: 'tier-dc' })).status, 200, 'other pools of the tier serve');
  t.like(JSON.parse(await run(t, gateway, 'pool', 'list', '--json')), [{ pool: 'one', disabled: true, usable: 0 }]);
  await gateway.kill({ keepFolder: true });
  const again = await gateway.startAgain();
  t.teardown(() => again.stop());
  t.is((await get(again)).reason, 'no_exit');
  await run(t, again, 'pool', 'enable', 'one');
  t.is((await get(again)).status, 200);
});

async function reload(gateway: Gateway): Promise<void> {
  const times = () => gateway.output().split('are read again').length;
  const before = times();
  gateway.signal('SIGHUP');
  await until(() => times() > before, 'reloaded');
}
