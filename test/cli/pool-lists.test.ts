import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { launcher, makeProject } from './project.ts';

const LIST = 'pools/lists/res.txt';

/** Lines of a list that are exits. */
const exitsIn = (folder: string, path = LIST): string[] =>
  readFileSync(join(folder, path), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

test.serial('an import shows what it would do, asks, and writes list and pool file', async (t) => {
  const { folder, command } = makeProject(t, {
    'pools/res.yaml': '# ours\npool: res\nexits:\n  - url: http://192.0.2.9:1 # by hand\n',
    'new.txt': '192.0.2.1:8080:user:hunter2\n192.0.2.2:8080:user:hunter2 # two\n192.0.2.1:8080:user:hunter2\n',
  });
  const dry = await command('pool', 'import', 'res', 'new.txt', '--country', 'Germany', '--dry-run');
  t.is(dry.code, 0, dry.stderr);
  t.regex(dry.stdout, /^added +2$/m);
  t.regex(dry.stdout, /^duplicates +1 /m);
  t.regex(dry.stdout, /^\+ http:\/\/192\.0\.2\.1:8080 de$/m);
  const asked = await command('pool', 'import', 'res', 'new.txt');
  t.is(asked.code, 6);
  t.regex(asked.stderr, /^nothing is written: say yes to it with --yes/);
  t.false(existsSync(join(folder, 'pools/lists/res.txt')));
  t.false(readFileSync(join(folder, 'pools/res.yaml'), 'utf8').includes('list'));

  const done = await command('pool', 'import', 'res', 'new.txt', '--country', 'de', '--yes', '--json');
  t.is(done.code, 0, done.stderr);
  t.like(JSON.parse(done.stdout), { added: 2, removed: 0, unchanged: 0, duplicates: 1, written: true, reload: null });
  t.deepEqual(exitsIn(folder), [
    'http://user:hunter2@192.0.2.1:8080|country=de',
    'http://user:hunter2@192.0.2.2:8080|country=de',
  ]);
  t.is(statSync(join(folder, LIST)).mode & 0o777, 0o600);
  t.is(
    readFileSync(join(folder, 'pools/res.yaml'), 'utf8'),
    '# ours\npool: res\nexits:\n  - url: http://192.0.2.9:1 # by hand\n  - list: lists/res.txt\n',
  );
  t.is((await command('check-config')).code, 0);
  t.is(JSON.parse((await command('exit', 'list', '--json')).stdout).length, 3);
  t.deepEqual(readdirSync(join(folder, 'pools/lists')), ['res.txt']);
  for (const { stdout, stderr } of [dry, asked, done]) t.false((stdout + stderr).includes('hunter2'));

  const again = await command('pool', 'import', 'res', 'new.txt');
  t.is(again.code, 0);
  t.is(again.stderr, 'there is nothing to change\n');
});

test.serial('a list keeps its group, and its owner where root writes it, but is for nobody else', async (t) => {
  const { folder, commandWith } = makeProject(t);
  const path = join(folder, LIST);
  await commandWith('a:1\n', 'pool', 'import', 'res', '-', '--yes');
  chmodSync(path, 0o664);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(path, 1234, 5678);
  // A draft of a process that was killed, and what somebody else has put in the way.
  symlinkSync('/etc/passwd', join(folder, 'pools/lists/.res.txt.999999999.new'));
  t.is((await commandWith('b:1\n', 'pool', 'import', 'res', '-', '--yes')).code, 0);
  const { mode, uid, gid } = statSync(path);
  t.is(mode & 0o777, 0o660);
  if (isRoot) t.deepEqual([uid, gid], [1234, 5678]);
  t.deepEqual(readdirSync(join(folder, 'pools/lists')), ['res.txt']);
});

test.serial(
  'what leaves less than half of a list is not taken without a question, unless that is allowed',
  async (t) => {
    const named = (count: number) => Array.from({ length: count }, (_, i) => `http://192.0.2.${i}:1\n`).join('');
    const { folder, commandWith } = makeProject(t);
    const take = (input: string, ...more: string[]) => commandWith(input, 'pool', 'import', 'res', '-', ...more);
    t.is((await take(named(10), '--replace', '--yes')).code, 0);
    // A download that broke off.
    const broken = await take(named(4), '--replace', '--yes');
    t.is(broken.code, 6);
    t.regex(
      broken.stderr,
      /nothing is written: it names 4 exits where there were 10, which is not believed without --allow-shrink/,
    );
    t.is(exitsIn(folder).length, 10);
    const json = await take('http://198.51.100.1:1\n', '--replace', '--yes', '--json');
    t.is(json.code, 6);
    t.like(JSON.parse(json.stdout), { added: 1, removed: 10, shrinks: true, written: false });
    const dry = await take(named(4), '--replace', '--dry-run');
    t.is(dry.code, 0);
    t.regex(dry.stdout, /^shrinks +it names 4 exits where there were 10$/m);
    // Half is left; nothing is taken away; all others are new.
    t.is((await take(named(5), '--replace', '--yes')).code, 0);
    t.is((await take(named(1), '--yes')).code, 0);
    t.is((await take(named(2), '--replace', '--yes', '--allow-shrink')).code, 0);
    t.is((await take('http://198.51.100.1:1\nhttp://198.51.100.2:1\n', '--replace', '--yes')).code, 0);
    t.is(exitsIn(folder).length, 2);
  },
);

test.serial('an import merges, or replaces; what is known better is changed', async (t) => {
  const { folder, command, commandWith } = makeProject(t);
  await commandWith('a:1\nb:1|us\nc:1\n', 'pool', 'import', 'fresh', '-', '--yes');
  t.is(readFileSync(join(folder, 'pools/fresh.yaml'), 'utf8'), 'pool: fresh\nexits:\n  - list: lists/fresh.txt\n');
  const merged = await commandWith('b:1|de\nd:1\na:1', 'pool', 'import', 'fresh', '-', '--yes', '--json');
  t.like(JSON.parse(merged.stdout), { added: 1, changed: 1, removed: 0, unchanged: 2 });
  const path = 'pools/lists/fresh.txt';
  t.deepEqual(exitsIn(folder, path), ['http://a:1', 'http://c:1', 'http://b:1|country=de', 'http://d:1']);
  const replaced = await commandWith(
    '[{"ip":"b","port":1},"e:1"]',
    'pool',
    'import',
    'fresh',
    '-',
    '--replace',
    '--yes',
  );
  t.regex(replaced.stdout, /^removed +3$/m);
  t.regex(replaced.stdout, /^- http:\/\/d:1$/m);
  t.deepEqual(exitsIn(folder, path), ['http://b:1|country=de', 'http://e:1']);
  t.is(JSON.parse((await command('pool', 'show', 'fresh', '--json')).stdout).exits, 2);
});

test.serial(
  'what somebody else writes meanwhile is not overwritten, and a list without exits empties no pool',
  async (t) => {
    const { folder, commandWith } = makeProject(t);
    await commandWith('a:1\n', 'pool', 'add', 'res', '-', '--yes');
    const empty = await commandWith('', 'pool', 'import', 'res', '-', '--replace', '--yes');
    t.is(empty.code, 2);
    t.regex(empty.stderr, /there is no exit in it: nothing is replaced/);
    const merged = await commandWith('', 'pool', 'import', 'fresh', '-', '--yes');
    t.is(merged.code, 2);
    t.regex(merged.stderr, /there is no exit in it: nothing is written/);
    t.false(existsSync(join(folder, 'pools/fresh.yaml')));
    const child = spawn(process.execPath, [launcher, 'pool', 'import', 'res', '-', '--yes'], { cwd: folder });
    const ended = once(child, 'close');
    let told = '';
    child.stderr.on('data', (chunk) => {
      told += chunk;
    });
    const isDraft = (name: string) => name.endsWith('.fresh');
    await until(() => readdirSync(join(folder, 'pools/lists')).some(isDraft));
    writeFileSync(join(folder, LIST), 'b:1\n');
    child.stdin.end('c:1\n');
    t.deepEqual(await ended, [1, null]);
    t.regex(told, /was changed by somebody else meanwhile: nothing is written/);
    t.deepEqual(exitsIn(folder), ['b:1']);
    t.deepEqual(readdirSync(join(folder, 'pools/lists')), ['res.txt']);
  },
);

test.serial('a list with faults is not taken, unless its sound entries are asked for', async (t) => {
  const { folder, command } = makeProject(t, {
    'bad.txt': 'a:1\nhunter2\nproxies: x\nsocks4://u:hunter2@h:1\n',
    'ambiguous.txt': 'a:1:b:2\n',
    'clash.yaml':
      'proxies:\n  - {name: a, type: http, server: a, port: 1}\n  - {name: b, type: vmess, server: b, port: 1}\n',
  });
  const refused = await command('pool', 'import', 'res', 'bad.txt', '--yes');
  t.is(refused.code, 2);
  t.regex(refused.stdout, /^bad\.txt:2:1 expected a URL, host:port/m);
  t.regex(refused.stdout, /^bad\.txt:4:1 SOCKS4 knows a user id/m);
  t.regex(refused.stderr, /^nothing is written: .*--skip-faulty$/m);
  t.false(refused.stdout.includes('hunter2'));
  t.false(existsSync(join(folder, LIST)));
  const taken = await command('pool', 'import', 'res', 'bad.txt', '--yes', '--skip-faulty');
  t.is(taken.code, 0);
  t.deepEqual(exitsIn(folder), ['http://a:1']);

  const unclear = await command('pool', 'import', 'res', 'ambiguous.txt', '--yes');
  t.is(unclear.code, 2);
  t.regex(unclear.stdout, /^ambiguous\.txt:1:1 this fits host:port:user:pass and user:pass:host:port alike/m);
  const named = await command('pool', 'import', 'res', 'ambiguous.txt', '--yes', '--format', 'user-pass-host-port');
  t.is(named.code, 0);
  t.deepEqual(exitsIn(folder), ['http://a:1', 'http://a:1@b:2']);

  const clash = await command('pool', 'import', 'res', 'clash.yaml', '--dry-run', '--json');
  t.like(JSON.parse(clash.stdout), { added: 0, skipped: { vmess: 1 } });
});

test.serial('failures say what to do, and change nothing', async (t) => {
  const { folder, command, commandWith } = makeProject(t, { 'l.txt': 'a:1\n' });
  const failures: readonly (readonly [args: string, exitCode: number, message: RegExp])[] = [
    ['pool import res none.txt', 3, /none\.txt cannot be read \(ENOENT\)/],
    ['pool import res .', 2, /cannot be read \(EISDIR\)/],
    ['pool import Bad/Name l.txt', 2, /a pool is named by/],
    ['pool import res l.txt --country Nowhere', 2, /--country: the country is neither/],
    ['pool import res l.txt --format nope', 2, /Allowed choices are/],
    ['pool remove res h:1', 3, /has no exit h:1: nothing is removed/],
    ['pool remove res hunter2', 2, /entry 1: expected a URL/],
    ['pool export nope', 3, /there is no pool/],
  ];
  writeFileSync(join(folder, 'pools/lists'), 'no folder');
  const unwritable = await command('pool', 'import', 'res', 'l.txt', '--yes');
  t.is(unwritable.code, 1);
  t.regex(unwritable.stderr, /pools\/lists\/res\.txt cannot be written \(E[A-Z]+\)\n {2}see its folder/);
  rmSync(join(folder, 'pools/lists'));
  for (const [args, exitCode, message] of failures) {
    const ended = await command(...args.split(' '));
    t.is(ended.code, exitCode, args);
    t.regex(ended.stderr, message);
    t.false(ended.stderr.includes('hunter2'));
  }
  writeFileSync(join(folder, 'pools/res.yaml'), 'pool: res\nexits:\n  - { list: lists/res.txt, format: csv }\n');
  t.regex(
    (await command('pool', 'add', 'res', 'a:1', '--yes')).stderr,
    /with "format: csv", and the list would be written in another/,
  );
  writeFileSync(join(folder, 'pools/res.yaml'), 'pool: res\nexits:\n  - list: lists/res.txt\n');
  await commandWith('a:1', 'pool', 'add', 'res', '-', '--yes');
  writeFileSync(join(folder, LIST), 'a:1\nnonsense\n');
  const own = await commandWith('b:1', 'pool', 'add', 'res', '-', '--yes');
  t.is(own.code, 2);
  t.regex(own.stderr, /res\.txt:2:1 expected a URL/);
  t.is(readFileSync(join(folder, LIST), 'utf8'), 'a:1\nnonsense\n');
});

test.serial('exits are added and removed by entry and by id; an argument with a password is warned of', async (t) => {
  const { folder, command, commandWith } = makeProject(t);
  const added = await command('pool', 'add', 'res', 'h:1:u:hunter2', 'h:2', '--scheme', 'socks5', '--yes');
  t.is(added.code, 0);
  t.regex(added.stderr, /^a password that was given to a command could be seen by others/);
  t.deepEqual(exitsIn(folder), ['socks5://u:hunter2@h:1', 'socks5://h:2']);
  t.is((await commandWith('h:3\n\n# no\nh:4:u:p', 'pool', 'add', 'res', '-', '--yes')).stderr, '');
  const exits: { id: string; endpoint: string }[] = JSON.parse((await command('exit', 'list', '--json')).stdout);
  const id = exits.find(({ endpoint }) => endpoint === 'socks5://h:2')?.id ?? '';
  t.is((await command('pool', 'remove', 'res', id)).code, 6);
  const removed = await commandWith(`${id}\nh:1\nh:4:u:p\n`, 'pool', 'remove', 'res', '-', '--yes', '--json');
  t.like(JSON.parse(removed.stdout), { removed: 3, unchanged: 1 });
  t.deepEqual(exitsIn(folder), ['http://h:3']);
  const elsewhere = exits.find(({ endpoint }) => endpoint === 'http://192.0.2.1:8080')?.id ?? '';
  t.regex((await command('pool', 'remove', 'res', elsewhere, '--yes')).stderr, /another entry of .*res\.yaml/);

  // Where the files can't be read, nobody knows what an id means.
  writeFileSync(join(folder, 'pools/more.yaml'), 'pool: more\ntier: dc\nexits: [{ list: gone.txt }]\n');
  const faulty = await command('pool', 'remove', 'res', elsewhere, '--yes', '--json');
  t.is(faulty.code, 2);
  t.like(JSON.parse(faulty.stderr).error, { code: 'config_faults' });
  t.is((await command('pool', 'remove', 'res', 'h:3', '--yes')).code, 0, 'an entry says it by itself');
});

test.serial('an export is an import again, and leaves secrets out where it is told to', async (t) => {
  const { folder, command } = makeProject(t, {
    'pools/res.yaml': [
      'pool: res',
      'country: us',
      'exits:',
      '  - { url: "http://us%7Cer:p%23%20ss@192.0.2.1:8080", city: "New York" }',
      '  - { url: "socks5://192.0.2.2:1080", name: "a|b" }',
      '  - direct: true',
      '  - template: "http://u-{session}:p@gate.example:1"',
    ].join('\n'),
  });
  const whole = await command('pool', 'export', 'res');
  t.is(whole.code, 0, whole.stderr);
  t.is(
    whole.stdout,
    'http://us%7Cer:p%23%20ss@192.0.2.1:8080|country=us|city=New York\nsocks5://192.0.2.2:1080|country=us|name=a%7Cb\n',
  );
  t.regex(whole.stderr, /left out: 1 direct exit.*\nleft out: 1 template that mints/);
  for (const format of ['csv', 'tsv', 'json', 'pipe']) {
    t.is((await command('pool', 'export', 'res', '--format', format, '--file', 'out')).code, 0);
    t.is(statSync(join(folder, 'out')).mode & 0o777, 0o600);
    t.is((await command('pool', 'import', 'copy', 'out', '--replace', '--yes')).code, 0, format);
    t.deepEqual(exitsIn(folder, 'pools/lists/copy.txt'), whole.stdout.trim().split('\n'), format);
  }
  const refused = await command('pool', 'export', 'res', '--format', 'host-port', '--file', 'never');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /nothing is written: 1 exit of res cannot be told in host-port/);
  t.false(existsSync(join(folder, 'never')));
  const open = await command('pool', 'export', 'res', '--format', 'playwright', '--no-secrets');
  t.deepEqual(JSON.parse(open.stdout), [{ server: 'http://192.0.2.1:8080' }, { server: 'socks5://192.0.2.2:1080' }]);
});

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test.serial(`who leaves by ${signal} while the gateway takes its time is told what is written`, async (t) => {
    const { folder } = makeProject(t, { 'more.txt': 'h:1\n' });
    mkdirSync(join(folder, 'data'));
    const asked = Promise.withResolvers<void>();
    const silent = createServer((socket) => void socket.on('error', () => {}).once('data', () => asked.resolve()));
    silent.listen(join(folder, 'data', 'roundabout.sock'));
    t.teardown(() => silent.close());
    const args = ['pool', 'import', 'res', 'more.txt', '--yes'];
    const child = spawn(process.execPath, [launcher, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    await asked.promise;
    child.kill(signal);
    const [code] = await once(child, 'close');
    t.is(code, expected);
    t.regex(said, /^written to .*res\.txt\n.*res\.yaml names it now\ninterrupted: whether the gateway has taken it/);
    t.deepEqual(exitsIn(folder), ['http://h:1']);
    t.deepEqual(readdirSync(join(folder, 'pools/lists')), ['res.txt']);
  });

  test.serial(`who leaves by ${signal} while a list comes in leaves nothing of it behind`, async (t) => {
    const { folder } = makeProject(t, {});
    const lists = join(folder, 'pools/lists');
    const args = ['pool', 'import', 'res', '-', '--yes'];
    const child = spawn(process.execPath, [launcher, ...args], { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin.on('error', () => {}).write('h:1:user:secret\n'.repeat(10));
    await until(() => existsSync(lists) && readdirSync(lists).some((name) => name.endsWith('.fresh')), 'its draft');
    child.kill(signal);
    const [code] = await once(child, 'close');
    t.is(code, expected);
    t.deepEqual(readdirSync(lists), []);
  });
}

test.serial('a gateway that runs takes the change at once', async (t) => {
  const gateway = await startGateway({
    pools: { res: { exits: [{ url: 'http://192.0.2.1:8080' }] } },
    files: { 'new.txt': '192.0.2.2:1\n192.0.2.3:1\n' },
  });
  t.teardown(() => gateway.stop());
  const done = await gateway.command('pool', 'import', 'res', join(gateway.folder, 'new.txt'), '--yes');
  t.is(done.code, 0, done.stderr);
  t.regex(done.stdout, /^the gateway has taken it: 3 exits, 2 added, 0 removed, 1 kept$/m);
  t.is(JSON.parse((await gateway.command('exit', 'list', '--json')).stdout).length, 3);
  const removed = await gateway.command('pool', 'remove', 'res', '192.0.2.3:1', '--yes');
  t.regex(removed.stdout, /^the gateway has taken it: 2 exits, 0 added, 1 removed, 2 kept$/m);
});
