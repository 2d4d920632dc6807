import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ClientView, ClientWithSecret } from '../../src/admin/client-view.ts';
import { runCommand } from '../../src/admin/command.ts';
import { faultOf } from '../../src/admin/command-error.ts';
import { createCommands } from '../../src/admin/commands.ts';
import type { ExitChanges } from '../../src/admin/exit-commands.ts';
import { type ExitPage, exitPage } from '../../src/admin/exit-page.ts';
import { type ExitFigures, type ExitKnowledge, exitView } from '../../src/admin/exit-view.ts';
import { exitWalk } from '../../src/admin/exit-walk.ts';
import type { Health } from '../../src/admin/health.ts';
import { poolStats } from '../../src/admin/pool-stats.ts';
import { poolViews } from '../../src/admin/pool-view.ts';
import type { SessionView } from '../../src/admin/session-view.ts';
import { openStoredStates } from '../../src/keeping/operator-states.ts';
import { Clients } from '../../src/store/clients.ts';
import { openStore } from '../../src/store/database.ts';
import { loadSecretKey } from '../../src/store/secret-key.ts';
import { poolOf, registryOf } from '../support/pools.ts';

const health: Health = {
  status: 'ok',
  pid: 1,
  version: '0.0.0',
  uptimeS: 1,
  listeners: [],
  pools: [],
  providers: [],
  exchanges: { open: 0, byKind: {} },
  connections: 0,
  relay: { kind: 'typescript', why: 'not built' },
  workers: { running: 1, inFront: 1, replaced: 0, stuck: [], connections: [0] },
  store: 'ok',
  ledger: 'ok',
  quotas: 'ok',
  reload: 'ok',
  faults: [],
  certificates: [],
  sources: [],
};

const exit = (country: string) => ({
  host: '192.0.2.1',
  port: 8080,
  username: `user ${country}`,
  password: 'hidden',
  geo: { country },
});

const { registry } = registryOf(poolOf('res', [exit('us'), exit('de')]), poolOf('empty', []));

const figures: ExitFigures = {
  latencyMs: 40,
  inFlight: 1,
  failuresInRow: 0,
  ejectedForMs: 0,
  success: 1,
  workedAgoMs: 5,
  served: 0,
  refused: 0,
};

const sessions = ['Cart42', 'cart7'].map((session) => ({ session }) as SessionView);

/** Commands over a store of their own, and a count of the changes that were told. */
function setUp(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-commands-'));
  const store = openStore(folder, { now: () => 0 });
  t.teardown(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });
  const clients = new Clients(store, loadSecretKey(folder));
  const stored = openStoredStates(store);
  const told = { changes: 0, states: 0 };
  const known: ExitKnowledge = { figures: () => figures, statusOf: () => 'ok', seen: () => null, everSeen: () => [] };
  const commands = createCommands({
    clients: () => clients,
    registry: () => registry,
    pools: () => poolViews(registry, { disabled: stored.pools.byName, isUsable: (slot) => slot === 0 }),
    exitStates: () => stored.exits,
    statesByExit: () => stored.exits.byExit,
    disabledPools: () => stored.pools,
    disabledByName: () => stored.pools.byName,
    onStatesChanged: () => {
      told.states++;
    },
    wallTime: () => 1_000,
    poolStats: (view) => poolStats(registry, view, { ...known, traffic: () => null }),
    exits: (query) => exitPage(registry, query, known),
    walkExits: (query) => exitWalk(registry, query, known),
    exit: (id, states) => {
      const slot = registry.slotOf(id)!;
      return { ...exitView(registry.exitAt(slot)!, slot, known), states, insight: null };
    },
    health: () => health,
    checks: () => {
      throw new Error('none');
    },
    reloadPools: async () => ({ pools: [], faults: [] }),
    report: async ({ about }) =>
      about.by === 'tag'
        ? { ok: false, refusal: 'ambiguous' }
        : { ok: true, reported: { id: 'r-1', exit: 'e-1', site: 'shop.example', verdict: 'refused' } },
    sessions: () => ({
      list: () => ({ sessions, more: 0, evicted: 0, refused: 0 }),
      move: () => null,
      end: () => {},
    }),
    quotasLeft: () => null,
    quotas: () => ({ viewsOf: () => [], reset: () => [] }),
    limitsLeft: () => null,
    writeLedger: () => ({ waiting: 0 }),
    onClientsChanged: () => {
      told.changes++;
    },
  });
  const run = <Result>(name: string, args: object = {}) => runCommand(commands, { name, args }) as Result;
  const fault = (name: string, args: unknown) => {
    try {
      runCommand(commands, { name, args });
    } catch (cause) {
      return faultOf(cause);
    }
    return t.fail(`${name} did not fail`);
  };
  return { run, fault, told, disable: (pool: string) => stored.pools.disable(pool, '') };
}

const add = { name: 'acme', settings: {}, withSecret: true };

test('a client is added, shown, changed, rotated, disabled and removed, and each change is told', (t) => {
  const { run, told } = setUp(t);
  const settings = { pools: ['RES'], allowIp: ['10.0.0.0/8'], deny: ['port:25'], params: 'country-us' };
  const added = run<ClientWithSecret>('client.add', { ...add, settings });
  t.regex(added.secret ?? '', /^[A-Za-z0-9]{26}$/);
  t.deepEqual(Object.keys(added).slice(0, 2), ['client', 'secret']);
  t.like(added, { client: 'acme', pools: ['res'], deny: ['port:25'], allowIp: ['10.0.0.0/8'], params: 'country-us' });

  const changed = run<ClientView>('client.set', {
    name: 'acme',
    settings: { allow: ['host:a.example'] },
    removeSecrets: [],
  });
  t.like(changed, { allow: ['host:a.example'], deny: ['port:25'], pools: ['res'] });

  t.is(run<ClientWithSecret>('client.rotate', { name: 'acme', dropOld: false }).secrets.length, 2);
  const rotated = run<ClientWithSecret>('client.rotate', { name: 'acme', dropOld: true });
  t.is(rotated.secrets.length, 1);
  t.not(rotated.secret, added.secret);

  t.false(run<ClientView>('client.disable', { name: 'acme' }).enabled);
  t.true(run<ClientView>('client.enable', { name: 'acme' }).enabled);
  const shown = JSON.stringify([run('client.list'), run('client.show', { name: 'acme' })]);
  t.false(shown.includes('hash') || shown.includes(rotated.secret ?? ''));
  run('client.remove', { name: 'acme' });
  t.deepEqual(run('client.list'), []);
  t.is(told.changes, 7);
});

test('one secret can be removed by its id, however often that is said', (t) => {
  const { run } = setUp(t);
  run('client.add', add);
  const [old, fresh] = run<ClientWithSecret>('client.rotate', { name: 'acme', dropOld: false }).secrets;
  const after = run<ClientView>('client.set', { name: 'acme', settings: {}, removeSecrets: [old?.id, old?.id] });
  t.deepEqual(after.secrets, [fresh!]);
});

test('of a disabled pool it is told since when and why, and one that is gone can be let go of', (t) => {
  const { run, fault, disable } = setUp(t);
  t.like(run('pool.show', { name: 'res' }), { disabled: false, disabledSince: null, disabledReason: null });
  run('pool.disable', { name: 'res', reason: 'bills twice' });
  const told = { disabled: true, disabledSince: '1970-01-01T00:00:00.000Z', disabledReason: 'bills twice' };
  t.like(run('pool.show', { name: 'res' }), told);
  t.like(run('pool.list'), { 0: told });
  t.like(run('pool.enable', { name: 'res' }), { disabled: false, disabledReason: null });
  disable('former');
  t.deepEqual(run('pool.enable', { name: 'former' }), { pool: 'former', disabled: false });
  t.is(fault('pool.enable', { name: 'former' })?.code, 'not_found', 'nothing is said of it any more');
});

test('names are offered as they are written, of sessions in two cases', (t) => {
  const { run } = setUp(t);
  run('client.add', add);
  const names = (kind: string, prefix: string) => run('names', { kind, prefix, limit: 10 });
  t.deepEqual(names('sessions', 'Ca'), ['Cart42']);
  t.deepEqual(names('sessions', 'ca'), ['cart7']);
  t.deepEqual([names('pools', 'RE'), names('clients', 'Ac')], [['res'], ['acme']]);
});

test('a change of which a part cannot be is not made at all', (t) => {
  const { run, fault } = setUp(t);
  const { secrets } = run<ClientWithSecret>('client.add', add);
  const asked = { name: 'acme', settings: { params: 'country-us' }, removeSecrets: [secrets[0]?.id, 99] };
  t.like(fault('client.set', asked), {
    code: 'not_found',
    message: 'client acme has no secret #99: nothing is changed',
    remedy: 'see "roundabout client show acme"',
  });
  t.like(run<ClientView>('client.show', { name: 'acme' }), { params: '', secrets });
});

test('what cannot be is refused by the name of its place, and changes nothing', (t) => {
  const { run, fault, told } = setUp(t);
  const refused = (settings: object) => fault('client.add', { ...add, settings });
  t.like(refused({ allowIp: ['10.0.0.0/40'] }), {
    code: 'bad_argument',
    message: '--allow-ip: "10.0.0.0/40" is no address range',
  });
  t.like(refused({ pools: ['nope'] }), { code: 'unknown_pool', remedy: 'choose of res, empty' });
  t.like(refused({ params: 'country' }), { code: 'bad_argument' });
  t.like(refused({ allow: ['cidr:x'] }), { code: 'bad_argument' });
  t.like(refused({ dialects: ['klingon'] }), { code: 'bad_value' });
  t.like(refused({ ipAuth: true }), { code: 'bad_value' });
  t.like(fault('client.add', { ...add, withSecret: false }), { code: 'bad_argument' });
  t.like(fault('client.add', { ...add, name: 'No Name' }), { code: 'bad_name' });
  t.like(fault('client.show', { name: 'nobody' }), { code: 'not_found' });
  run('client.add', add);
  t.like(fault('client.add', add), { code: 'exists' });
  t.is(told.changes, 1);
});

test('arguments of another shape and unknown commands are refused', (t) => {
  const { fault } = setUp(t);
  for (const args of [null, 1, [], {}, { name: 1 }, { name: 'a', more: true }]) {
    t.like(fault('client.show', args), { code: 'bad_request' });
  }
  t.like(fault('client.explode', {}), { code: 'unknown_command' });
  t.like(fault('__proto__', {}), { code: 'unknown_command' });
});

test('pools and exits are shown with their figures and without credentials', (t) => {
  const { run, fault } = setUp(t);
  t.like(run('pool.show', { name: 'RES' }), { pool: 'res', exits: 2, usable: 1, countries: ['de', 'us'] });
  t.like(run('pool.show', { name: 'empty' }), { exits: 0, usable: 0 });
  t.like(fault('pool.show', { name: 'nope' }), { code: 'not_found' });
  t.like(fault('exit.list', { pool: 'nope' }), { code: 'not_found' });
  const { exits, total } = run<ExitPage>('exit.list', { pool: 'res', country: 'US' });
  t.deepEqual([exits.length, total], [1, 1]);
  const { id } = registry.exitAt(0)!;
  t.like(exits[0], { id, country: 'us', endpoint: 'http://192.0.2.1:8080', live: figures });
  t.false(JSON.stringify(run('exit.list')).includes('hidden'));
  t.deepEqual(run('health'), health);
});

test('a report is taken as the internal host takes it', async (t) => {
  const { run } = setUp(t);
  const report = { id: 'r-1', verdict: 'refused' };
  t.like(await run<Promise<object>>('exchange.report', { client: null, report }), { exit: 'e-1', verdict: 'refused' });
  const faults = async (written: object) =>
    faultOf(await t.throwsAsync(run<Promise<object>>('exchange.report', { client: null, report: written })));
  t.like(await faults({ id: 'r-1' }), {
    code: 'bad_argument',
    message: 'verdict: expected served, refused or challenge',
  });
  t.like(await faults({ tag: 'x', verdict: 'served' }), { code: 'bad_argument', remedy: 'name one by its id' });
});

test('of many exits as many are shown as were asked for, and the others counted', (t) => {
  const { run, fault } = setUp(t);
  const { exits, total } = run<ExitPage>('exit.list', { limit: 1 });
  t.deepEqual([exits.length, total], [1, 2]);
  t.is(run<ExitPage>('exit.list', { country: 'fr' }).total, 0);
  t.like(fault('exit.list', { limit: 0 }), { code: 'bad_request' });
});

test('exits are named by id or by a beginning that no other has, frozen, shown and thawed', (t) => {
  const { run, fault, told } = setUp(t);
  const [id = '', other = ''] = [0, 1].map((slot) => registry.idOf(slot));
  const start = id.slice(0, [...id].findIndex((character, i) => character !== other[i]) + 1);
  const frozen = run<ExitChanges>('exit.freeze', { exits: [start.toUpperCase(), id], until: 5_000, reason: 'slow' });
  t.like(frozen.changed, [{ exit: id, pool: 'res', state: 'frozen', until: '1970-01-01T00:00:05.000Z' }]);
  t.is(frozen.changed.length, 1);
  t.like(run('exit.show', { id: start }), { id, states: [{ reason: 'slow' }] });
  t.like(fault('exit.freeze', { exits: [''] }), { code: 'not_found' });
  t.like(fault('exit.freeze', { exits: [id, 'zzzzzzzzzz'] }), { code: 'not_found' });
  t.deepEqual(run<ExitChanges>('exit.drain', { exits: [other, 'zzzzzzzzzz'], skipUnknown: true }).unknown, [
    'zzzzzzzzzz',
  ]);
  t.like(fault('exit.freeze', { exits: [id], until: 500 }), { code: 'bad_argument' });
  t.like(fault('exit.freeze', { exits: [id], site: 'http://a/' }), { code: 'bad_argument' });
  t.like(fault('exit.retire', { exits: [id], site: 'a.example' }), { code: 'bad_argument' });
  const atSite = run<ExitChanges>('exit.freeze', { exits: [id], site: 'www.Shop.example.co.uk.' });
  t.is(atSite.changed[0]?.site, 'example.co.uk');
  t.is(run<unknown[]>('exit.states').length, 3);
  t.is(run<ExitChanges>('exit.thaw', { exits: [id] }).changed.length, 2);
  t.is(told.states, 4);
});

test('what the system says of a path is not called a fault of ours', (t) => {
  const refusal = t.throws(() => mkdtempSync(join(tmpdir(), 'no-such-folder', 'x')));
  t.like(faultOf(refusal), {
    code: 'unavailable',
    remedy: 'see that path, its folder, their permissions and the disk',
  });
  t.like(faultOf(new Error('ours')), { code: 'internal' });
});
