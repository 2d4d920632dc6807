import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Config } from '../../src/config/config.ts';
import type { CertificatePair } from '../../src/listener/certificate.ts';
import { endingText, endOf } from '../../src/threads/certificate-end.ts';
import { Certificates } from '../../src/threads/certificates.ts';
import { issuedPair } from '../support/certificate.ts';
import { until } from '../support/until.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function inFiles(t: ExecutionContext, pair: CertificatePair) {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-certificates-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const write = ({ cert, key }: CertificatePair) =>
    Promise.all([writeFile(files.cert, cert), writeFile(files.key, key)]);
  await write(pair);
  return { files, write };
}

/** What the certificates of a config look at of it. */
const configOf = (certificate: object | 'auto', name = 'tls') =>
  ({ listeners: [{ name, host: '127.0.0.1', protocols: ['https'], certificate }] }) as unknown as Config;

test('the end of a certificate is told from 14 days before it on, once a day, and by each reload', async (t) => {
  const pair = await issuedPair(Date.now());
  const { untilMs } = endOf(pair);
  const { files, write } = await inFiles(t, pair);
  let now = untilMs - 14 * dayMs - 1;
  const told: string[] = [];
  const warn = (line: string) => told.push(line.replace(/ at .*/, ''));
  const certificates = new Certificates({ folder: '', wallTime: () => now, onChange: () => {}, warn });
  t.teardown(() => certificates.close());
  const reload = () => certificates.prepare(configOf(files)).then(({ commit }) => commit());
  const toldAt = (moment: number) => {
    now = moment;
    certificates.attendToEndings();
    return told.splice(0);
  };
  await reload();
  t.deepEqual(told, []);
  t.like(certificates.views, [{ listener: 'tls', endsAt: new Date(untilMs).toISOString(), ending: null }]);
  const says = (when: string) => [`listener tls: certificate ${files.cert} ${when},`];
  t.deepEqual(toldAt(untilMs - 14 * dayMs), says('ends in 14 days'));
  t.deepEqual(toldAt(untilMs - 14 * dayMs), []);
  t.deepEqual(toldAt(untilMs - 14 * dayMs + hourMs), says('ends in 13 days'));
  t.deepEqual(toldAt(untilMs - 13 * dayMs), []);
  t.deepEqual(toldAt(untilMs - hourMs), says('ends in less than a day'));
  t.deepEqual(toldAt(untilMs + 1), says('has ended'));
  t.deepEqual(toldAt(untilMs + 9 * dayMs), []);
  await reload();
  t.deepEqual(told.splice(0), says('has ended'));
  t.regex(certificates.views[0]?.ending ?? '', / has ended, .*; a new one is taken up as soon as it stands there$/);

  await write(await issuedPair(now));
  await until(() => certificates.views[0]?.ending === null, 'the new one is taken up');
  t.deepEqual(toldAt(now), []);
});

test("the gateway's own certificate is made anew on its last day, by whatever name its listener has then", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-certificates-'));
  t.teardown(() => rm(folder, { recursive: true }));
  let now = Date.now();
  const told: string[] = [];
  const changed: CertificatePair[] = [];
  const certificates = new Certificates({
    folder,
    wallTime: () => now,
    onChange: (_, pair) => changed.push(pair),
    warn: (line) => told.push(line),
  });
  t.teardown(() => certificates.close());
  await (await certificates.prepare(configOf('auto'))).commit();
  const [first] = certificates.pairs.values();
  const { untilMs } = endOf(first!);
  await (await certificates.prepare(configOf('auto', 'front'))).commit();
  for (now = untilMs - 2 * dayMs + hourMs; now < untilMs - dayMs; now += hourMs) certificates.attendToEndings();
  t.is(told.length, 1);
  t.regex(told[0]!, /^listener front: certificate .* ends in 1 day, .* or else the gateway on its last day$/);
  now = untilMs - hourMs;
  certificates.attendToEndings();
  certificates.attendToEndings();
  await until(() => changed.length > 0, 'the new one is taken up');
  t.is(changed.length, 1);
  t.true(endOf(changed[0]!).untilMs > untilMs + 300 * dayMs);
  t.is(certificates.views[0]?.ending, null);
  t.is(told.length, 2);
  t.regex(told[1]!, /ends in less than a day, .* a new one is made now$/);
});

test("the gateway's own certificate that a clock far ahead has made is made anew once the clock is back", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-certificates-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const present = Date.now();
  let now = present;
  const changed: CertificatePair[] = [];
  const certificates = new Certificates({
    folder,
    wallTime: () => now,
    onChange: (_, pair) => changed.push(pair),
    warn: () => {},
  });
  t.teardown(() => certificates.close());
  await (await certificates.prepare(configOf('auto'))).commit();
  now = present + 3_650 * dayMs;
  certificates.attendToEndings();
  now = present;
  const attend = (holds: () => boolean) => () => {
    certificates.attendToEndings();
    return holds();
  };
  await until(
    attend(() => changed.length === 1),
    'one of the future is taken up',
  );
  t.true(endOf(changed[0]!).fromMs > present);
  await until(
    attend(() => changed.length === 2),
    'one of the present is taken up',
  );
  const { fromMs, untilMs } = endOf(changed[1]!);
  t.true(fromMs < present && untilMs > present + 300 * dayMs && untilMs < present + 400 * dayMs);
  await until(attend(() => certificates.views[0]?.ending === null));
  t.is(changed.length, 2);
});

test('of one that is good for days notice is given when a quarter of its time is left', (t) => {
  const end = { fromMs: 0, untilMs: 6 * dayMs, noticeMs: 4.5 * dayMs };
  const one = { listener: 'tls', files: { cert: 'tls.crt', key: 'tls.key' }, isOwn: true, end };
  t.is(endingText(one, 4 * dayMs), null);
  t.is(
    endingText(one, 4.5 * dayMs),
    'listener tls: certificate tls.crt ends in 1 day, at 1970-01-07T00:00:00.000Z; the next start makes a new one, ' +
      'or else the gateway on its last day',
  );
});
