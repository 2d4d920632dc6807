import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { formatFault } from '../../src/config/fault.ts';
import { PoolLoader } from '../../src/sources/pool-loader.ts';
import { readSettings } from '../../src/sources/settings.ts';

async function projectOf(t: ExecutionContext, files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-settings-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  await write('roundabout.yaml', 'listeners: [{ name: a, host: 127.0.0.1, port: 8080, protocols: [http] }]\n');
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const read = () => readSettings(join(folder, 'roundabout.yaml'), { env: {} });
  return { folder, write, read, shown: (fault: string) => fault.replaceAll(`${folder}/`, '') };
}

const faulty = [
  'pool: p',
  'tier: gold',
  'exits:',
  '  - { url: "http://h:0" }',
  '  - { url: "http://h:1", contry: de }',
  '  - { list: exits.txt }',
  `  - { url: "http://u:\${PASSWORD}@h:0" }`,
  '  - { url: "http://h:1", ca: none.pem }',
].join('\n');

const allFaults = [
  /^pools\/p\.yaml:2:7 tier expected one of /,
  /^pools\/p\.yaml:5:26 exits\[1\]\.contry unknown key/,
  /^pools\/p\.yaml:7:12 exits\[3\]\.url .*PASSWORD/,
  /^pools\/p\.yaml:4:12 exits\[0\]\.url /,
  /^exits\.txt:2:1 /,
  /^pools\/p\.yaml:8:30 exits\[4\]\.ca none\.pem cannot be read/,
];

test('faults of form and of exits stand in one report, each where it is, and none that only follows of another', async (t) => {
  const files = { 'pools/p.yaml': faulty, 'exits.txt': '192.0.2.1:80\nno exit at all\n' };
  const { read, shown } = await projectOf(t, files);
  const reading = read();
  const found = reading.ok ? [] : reading.faults.map(formatFault).map(shown);
  t.is(found.length, allFaults.length, found.join('\n'));
  for (const fault of allFaults)
    t.true(
      found.some((one) => fault.test(one)),
      `${fault}\n${found.join('\n')}`,
    );
});

test('what entries may leave to their pool is not missed where it is faulty; nor is a file without a name another', async (t) => {
  const template = 'exits: [{ template: "http://u-{country}:p@h:1" }]';
  const { read, shown } = await projectOf(t, {
    'pools/country.yaml': `pool: c\ncountry: usa\n${template}`,
    'pools/given.yaml': `pool: g\ntier: gold\ncountry: us\n${template}`,
    'pools/one.yaml': 'exits: []',
    'pools/other.yaml': 'exits: []',
  });
  const reading = read();
  t.deepEqual(reading.ok ? [] : reading.faults.map(formatFault).map(shown), [
    'pools/country.yaml:2:10 country expected a two-letter country code (ISO 3166-1)',
    'pools/given.yaml:2:7 tier expected one of dc, isp, res, mobile',
    'pools/one.yaml:1:1 pool is missing',
    'pools/other.yaml:1:1 pool is missing',
  ]);
});

test('pools that are read again alone tell them together, too', async (t) => {
  const files = { 'pools/p.yaml': 'pool: p\nexits: [{ url: "http://h:1" }]', 'exits.txt': '192.0.2.1:80\nno exit\n' };
  const { write, read, shown } = await projectOf(t, files);
  const reading = read();
  if (!reading.ok) return t.fail(reading.faults.map(formatFault).join('\n'));
  const { settings } = reading;
  const loader = new PoolLoader([], () => {});
  loader.commit(loader.stageAll(settings));
  await write('pools/p.yaml', faulty);
  await write('pools/new.yaml', faulty.replace('pool: p', 'pool: new'));
  const { faulty: kept, faults, files: standing } = await loader.stageAgain(settings.readPools(), null);
  t.deepEqual(
    standing.map(({ entries }) => entries.length),
    [1],
  );
  for (const [of, name] of [
    [kept.get('p') ?? [], 'p'],
    [faults, 'new'],
  ] as const) {
    const found = of.map(formatFault).map(shown);
    t.is(found.length, allFaults.length, found.join('\n'));
    for (const fault of found)
      t.true(
        allFaults.some((one) => one.test(fault.replace(`${name}.yaml`, 'p.yaml'))),
        fault,
      );
  }
});
