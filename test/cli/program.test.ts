import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exitCodes } from '../../src/cli/exit-code.ts';
import { makeProject } from './project.ts';

test('a client lives its life on the files of a gateway that does not run', async (t) => {
  const { command, folder } = makeProject(t);
  const added = await command(
    'client',
    'add',
    'acme',
    '--pool',
    'res',
    '--deny',
    'port:25',
    '--deny',
    'host:a.example',
    '--json',
  );
  t.is(added.code, 0, added.stderr);
  const { client, secret, pools, deny } = JSON.parse(added.stdout);
  t.deepEqual([client, pools, deny], ['acme', ['res'], ['port:25', 'host:a.example']]);
  t.regex(secret, /^[A-Za-z0-9]{26}$/);
  const set = await command(
    'client',
    'set',
    'acme',
    '--clear',
    'deny',
    '--clear',
    'pool',
    '--params',
    'country-us',
    '--json',
  );
  t.like(JSON.parse(set.stdout), { deny: [], pools: [], params: 'country-us' });
  const disabled = await command('client', 'disable', 'acme');
  t.is(disabled.stdout, 'client acme disabled\n');
  const rotated = await command('client', 'rotate', 'acme', '--drop-old');
  t.regex(rotated.stdout, /^secret +[A-Za-z0-9]{26} {2}\(shown this once: keep it now\)$/m);
  const listed = await command('client', 'list');
  t.is(
    listed.stdout,
    'CLIENT  STATE     POOLS  SOURCES   SECRETS  PARAMS\nacme    disabled  every  anywhere  1        country-us\n',
  );
  t.false((await command('client', 'show', 'acme')).stdout.includes(secret));
  const asked = await command('client', 'remove', 'acme');
  t.is(asked.code, 6, 'nobody is there to be asked');
  t.regex(asked.stdout, /^secrets +#\d+ of .*\n.*its secrets for good/ms);
  t.regex(asked.stderr, /nothing is removed: say yes to it with --yes/);
  const dry = await command('client', 'remove', 'acme', '--dry-run', '--json');
  t.like(JSON.parse(dry.stdout), { client: 'acme', params: 'country-us', removed: false });
  t.is((await command('client', 'remove', 'nobody')).code, 3);
  t.regex((await command('client', 'list')).stdout, /^acme /m);
  t.is((await command('client', 'remove', 'acme', '--yes')).stdout, 'client acme removed\n');
  t.is((await command('client', 'list', '--json')).stdout, '[]\n');
  await command('client', 'add', 'other');
  t.like(JSON.parse((await command('client', 'remove', 'other', '--yes', '--json')).stdout), {
    client: 'other',
    removed: true,
  });
  t.is((await command('client', 'remove', 'other', '--dry-run', '--data', 'nowhere')).code, 3);
  t.false(existsSync(join(folder, 'nowhere')), 'no folder is made to look into it');
});

test('where no gateway runs that is said, with the folder; and looking makes none', async (t) => {
  const { command, folder } = makeProject(t);
  const data = join(folder, 'data');
  for (const list of ['client list', 'quota list', 'exit states']) {
    const { code, stderr } = await command(...list.split(' '));
    t.is(code, 0, list);
    t.is(stderr, `no gateway runs on ${data}, and nothing is kept there\n`);
  }
  t.is((await command('quota', 'list', '--client', 'acme')).code, 3);
  t.is((await command('quota', 'reset', 'acme')).code, 3);
  t.false(existsSync(data));
  const added = await command('client', 'add', 'acme', '--json');
  t.is(JSON.parse(added.stdout).client, 'acme');
  t.is(added.stderr, `no gateway runs on ${data}, and nothing was kept there before: this stands in its files\n`);
  for (const more of ['client disable acme', 'client list', 'pool disable res', 'exit states', 'quota list']) {
    const { code, stderr } = await command(...more.split(' '));
    t.is(code, 0, more);
    t.is(stderr, `no gateway runs on ${data}: this stands in its files\n`);
  }
});

test('what changes no state of an exit or pool makes no store to look for one', async (t) => {
  const { command, folder } = makeProject(t);
  const data = join(folder, 'data');
  const [{ id }] = JSON.parse((await command('exit', 'list', '--json')).stdout);
  for (const missed of ['exit thaw nowhere', 'exit freeze nowhere', 'exit thaw', 'exit show nowhere'])
    t.not((await command(...missed.split(' '))).code, 0, missed);
  for (const missed of ['disable', 'enable']) t.is((await command('pool', missed, 'nowhere')).code, 3);
  for (const put of [`exit freeze ${id}`, 'pool disable res']) {
    const { code, stderr } = await command(...put.split(' '), '--reason', 'x'.repeat(201));
    t.is(code, 2, put);
    t.regex(stderr, /the reason is too long(.|\n)*200 characters at most/);
  }
  t.is((await command('exit', 'show', id)).code, 0);
  const enabled = await command('pool', 'enable', 'res');
  t.is(enabled.code, 0);
  t.is(enabled.stderr, `no gateway runs on ${data}, and nothing is kept there\n`);
  const thawed = await command('exit', 'thaw', id, '--json');
  t.deepEqual(JSON.parse(thawed.stdout), []);
  t.is(thawed.stderr, `no gateway runs on ${data}, and nothing is kept there\n`);
  t.false(existsSync(data));
  t.is((await command('exit', 'freeze', id)).code, 0);
  t.is(JSON.parse((await command('exit', 'thaw', id, '--json')).stdout).length, 1);
});

test('why a pool is disabled is told to whoever looks, and one whose file is gone can be enabled', async (t) => {
  const { command, folder } = makeProject(t, {
    'pools/old.yaml': 'pool: old\ntier: dc\nexits: [{ url: "http://192.0.2.9:1" }]\n',
  });
  await command('pool', 'disable', 'old', '--reason', 'bills twice');
  t.regex((await command('pool', 'show', 'old')).stdout, /^disabled +since 20\S+Z: bills twice$/m);
  rmSync(join(folder, 'pools/old.yaml'));
  const enabled = await command('pool', 'enable', 'old');
  t.is(enabled.code, 0, enabled.stderr);
  t.is(enabled.stdout, 'pool old is enabled: it is no pool now, and takes exchanges once it comes back\n');
  t.is((await command('pool', 'enable', 'old')).code, 3);
});

test('exit codes tell scripts what went wrong, and errors stand on standard error', async (t) => {
  const { command } = makeProject(t);
  await command('client', 'add', 'acme');
  const failures: readonly (readonly [args: string, exitCode: number, code: string])[] = [
    ['client add acme', 4, 'exists'],
    ['client show nobody', 3, 'not_found'],
    ['pool show nope', 3, 'not_found'],
    ['client add No', 2, 'bad_name'],
    ['client add x --allow-ip 10.0.0.0/40', 2, 'bad_argument'],
    ['client add x --pool nope', 2, 'unknown_pool'],
    ['client add x --reply-fields maybe', 2, 'bad_usage'],
    ['client set acme', 2, 'bad_argument'],
    ['client set acme --allow-ip 10.0.0.0/8 --clear allow-ip', 2, 'bad_argument'],
    ['client add', 2, 'bad_usage'],
    ['client add x y', 2, 'bad_usage'],
    ['clinet add x', 2, 'bad_usage'],
    ['client list --colour', 2, 'bad_usage'],
    ['pool', 2, 'bad_usage'],
    // As a shell has it of a variable that isn't set.
    ['client list --data ', 2, 'bad_usage'],
    ['pool export res --file ', 2, 'bad_usage'],
    ['pool list --config nope.yaml', 2, 'config_faults'],
    ['start --config nope.yaml', 2, 'start_failed'],
    ['exit list --country atlantis', 2, 'bad_argument'],
    ['exit list --asn x', 2, 'bad_argument'],
    ['pool check res --timeout 1', 2, 'bad_argument'],
    ['health', 5, 'not_running'],
  ];
  for (const [args, exitCode, code] of failures) {
    const ended = await command(...args.split(' '), '--json');
    t.is(ended.code, exitCode, args);
    t.is(ended.stdout, '', args);
    const { error } = JSON.parse(ended.stderr);
    t.is(error.code, code, args);
    t.truthy(error.message);
    t.truthy(error.remedy || code === 'start_failed');
  }
  const { stderr } = await command('health');
  t.regex(stderr, /^error: no gateway runs on .*\n {2}start it with /);
  for (const [args, help] of [
    ['pool show', 'pool show --help'],
    ['--config x.yaml exit freeze', 'exit freeze --help'],
    ['pool bogus', 'pool --help'],
    ['bogus', '--help'],
  ] as const)
    t.true((await command(...args.split(' '))).stderr.endsWith(`\n  see "roundabout ${help}"\n`), args);
});

test('--config and --data stand before or after any command', async (t) => {
  const { command, folder } = makeProject(t, { 'other/gateway.yaml': 'data: ./kept\n' });
  t.is((await command('--config', 'other/gateway.yaml', 'client', 'add', 'one')).code, 0);
  t.true(existsSync(join(folder, 'other', 'kept', 'roundabout.db')));
  t.is((await command('client', '--data', 'elsewhere', 'add', 'two')).code, 0);
  t.true(existsSync(join(folder, 'elsewhere', 'roundabout.db')));
  const listed = await command('client', 'list', '--data', 'elsewhere', '--json');
  t.deepEqual(
    JSON.parse(listed.stdout).map((one: { client: string }) => one.client),
    ['two'],
  );
});

test('a client can be shut out while the config has faults, with --data also where these leave the folder in doubt', async (t) => {
  const { command } = makeProject(t, {
    'broken.yaml': 'listeners: 7\n',
    'secret.yaml': 'secrets: gone.env\nstore: 1\ndata: ./data\n',
    'doubtful.yaml': 'store: ./elsewhere\n',
    'twice.yaml': 'data: ./elsewhere\ndata: ./data\n',
    'misspelt.yaml': 'dta: ./elsewhere\n',
    'open.yaml': 'data: [\n',
  });
  await command('client', 'add', 'acme');
  for (const config of ['broken.yaml', 'secret.yaml'])
    t.is((await command('client', 'disable', 'acme', '--config', config)).code, 0, config);
  for (const config of ['doubtful.yaml', 'twice.yaml', 'misspelt.yaml', 'open.yaml']) {
    const refused = await command('client', 'disable', 'acme', '--config', config);
    t.is(refused.code, 2, config);
    t.regex(refused.stderr, /\n {2}see "roundabout check-config", or name the data folder with --data DIR\n$/);
    t.is((await command('client', 'disable', 'acme', '--config', config, '--data', 'data')).code, 0);
  }
});

test('without a gateway, pools and exits are what their files say', async (t) => {
  const demo = 'pool: demo\ntier: res\nexits: [{ demo: { http: 1, https: 0, socks5: 0 } }]\n';
  const { command } = makeProject(t, { 'pools/demo.yaml': demo });
  const pools = await command('pool', 'list');
  t.regex(pools.stdout, /^POOL +STATE +TIER .*\ndemo +ok +res .*\nres +ok +res +learned +- +1 +- +- +de\n$/);
  t.regex(pools.stderr, /^no gateway runs: .* the demo pool has no exits/);
  const exits = await command('exit', 'list', '--country', 'DE', '--json');
  t.like(JSON.parse(exits.stdout), [{ pool: 'res', country: 'de', endpoint: 'http://192.0.2.1:8080', live: null }]);
  t.false(exits.stdout.includes('hidden'));
  t.is((await command('exit', 'list', '--country', 'us')).stdout, 'no exits\n');
});

test('of a long list of exits the rest is told apart', async (t) => {
  const { command } = makeProject(t, {
    'pools/two.yaml': 'pool: two\nexits: [{ list: two.txt }]\n',
    'two.txt': 'a:1\nb:1\n',
  });
  const one = await command('exit', 'list', '--pool', 'two', '--limit', '1', '--json');
  t.is(JSON.parse(one.stdout).length, 1);
  t.regex(one.stderr, /^1 more of 2 exits are not shown\n/);
  t.is((await command('exit', 'list', '--limit', 'all')).code, 2);
});

test('check-config shows every fault of config and pools with its place, and warnings apart', async (t) => {
  const { command } = makeProject(t, {
    'config/roundabout.yaml':
      'listeners: [{ name: m, host: 0.0.0.0, port: 0, protocols: [http] }]\nrules: { allow: [{ cidr: 127.0.0.0/8 }] }\n',
    'bad.yaml': 'listenrs: []\nadmin: { port: "\\u202e" }\n',
    'worse/config/roundabout.yaml': 'defaultPool: gone\n',
    'worse/pools/a.yaml': 'pool: a\ntier: res\nexits: [{ list: missing.txt }]\n',
    'worse/pools/b.yaml': 'pool: b\ntier: no\nexits: []\n',
  });
  const good = await command('check-config');
  t.is(good.code, 0);
  t.is(good.stdout, 'config/roundabout.yaml: no faults (1 listener, 1 pool, 1 exit)\n');
  t.regex(good.stderr, /^warning: config\/roundabout\.yaml:2:18 rules\.allow\[0\] opens 127\.0\.0\.0\/8/);
  const bad = await command('check-config', '--config', 'bad.yaml');
  t.is(bad.code, 2);
  t.regex(bad.stdout, /^bad\.yaml:1:1 listenrs unknown key.*\nbad\.yaml:2:\d+ admin\.port .*\n$/);
  const worse = await command('check-config', '--config', 'worse/config/roundabout.yaml', '--json');
  t.is(worse.code, 2);
  const { ok, faults } = JSON.parse(worse.stdout);
  t.false(ok);
  const paths = faults.map(({ path }: { path: string }) => path);
  t.deepEqual(paths.sort(), ['exits[0].list', 'tier']);
});

test('faults of config, pools and lists come in one round, without those that follow from others', async (t) => {
  const pools = {
    'pools/a.yaml': 'pool: a\ntier: res\nexits: [{ list: missing.txt }]\n',
    'pools/b.yaml': `pool: b\ntier: no\nexits: [{ url: "http://\${GATE}:1" }]\n`,
  };
  const { folder, command } = makeProject(t, {
    ...pools,
    'gate.env': 'GATE=192.0.2.1\n',
    'schema.yaml': 'secrets: gate.env\nadmin: { port: no }\nlistenrs: []\n',
    'listener.yaml':
      'secrets: gate.env\nlisteners: [{ name: m, port: 1, protocols: [https], certificate: { cert: a, key: b } }]\n',
    'named.yaml': 'secrets: gate.env\ndefaultPool: gone\n',
    'secrets.yaml': 'secrets: nowhere.env\nadmin: { port: no }\n',
    'key.yaml': 'secrts: gate.env\n',
    'other.yaml': 'pools: 5\n',
  });
  const pathsOf = async (config: string) => {
    const { code, stdout } = await command('check-config', '--config', config, '--json');
    t.is(code, 2, stdout);
    return JSON.parse(stdout)
      .faults.map(({ path }: { path: string }) => path)
      .sort();
  };
  t.deepEqual(await pathsOf('schema.yaml'), ['admin.port', 'exits[0].list', 'listenrs', 'tier']);
  t.true((await pathsOf('listener.yaml')).includes('tier'));
  t.deepEqual(await pathsOf('secrets.yaml'), ['admin.port', 'secrets'], 'without them pools have other faults');
  t.deepEqual(await pathsOf('key.yaml'), ['secrts']);
  t.deepEqual(await pathsOf('other.yaml'), ['pools']);
  rmSync(join(folder, 'pools/b.yaml'));
  t.deepEqual(await pathsOf('named.yaml'), ['defaultPool', 'exits[0].list']);
});

test('help lists the commands and the exit codes', async (t) => {
  const { command } = makeProject(t);
  const help = await command('--help');
  t.is(help.code, 0);
  for (const word of ['start', 'check-config', 'client', 'pool', 'exit', 'health', 'Exit codes:'])
    t.true(help.stdout.includes(word));
  for (const code of Object.values(exitCodes)) t.regex(help.stdout, new RegExp(`^  ${code} +\\w`, 'm'));
  const add = await command('client', 'add', '--help');
  t.regex(add.stdout, /A RULE is cidr:RANGE/);
  t.regex(add.stdout, /--data <folder>/);
  const none = await command('client');
  t.is(none.code, 2);
  t.regex(none.stderr, /^Usage: roundabout client/);
});
