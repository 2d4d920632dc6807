import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { GeoDatabases } from '../../src/probing/geo-databases.ts';
import { mmdbOf } from '../support/mmdb.ts';

/** The databases in files of these contents, and what was warned of. */
function openAll(t: ExecutionContext, contents: readonly (Buffer | null)[]) {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-mmdb-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const files = contents.map((content, index) => {
    const file = join(folder, `${index}.mmdb`);
    if (content !== null) writeFileSync(file, content);
    return file;
  });
  const warnings: string[] = [];
  return { databases: GeoDatabases.open(files, (line) => warnings.push(line)), files, warnings };
}

const countries = { '192.0.2.0/24': { country: { iso_code: 'DE' } }, '198.51.100.7/32': { country_code: 'fr' } };
const systems = { '192.0.2.0/25': { autonomous_system_number: 3320 }, '198.51.100.0/24': { asn: 'AS64500' } };

for (const ipVersion of [4, 6] as const) {
  test(`countries of one database, systems of another, both of IPv${ipVersion}`, (t) => {
    const { databases, warnings } = openAll(t, [mmdbOf(countries, ipVersion), mmdbOf(systems, ipVersion)]);
    t.deepEqual(databases.placeOf('192.0.2.1'), { country: 'de', asn: '3320' });
    t.deepEqual(databases.placeOf('192.0.2.200'), { country: 'de', asn: null });
    t.deepEqual(databases.placeOf('198.51.100.7'), { country: 'fr', asn: '64500' });
    t.deepEqual(databases.placeOf('203.0.113.1'), { country: null, asn: null });
    t.deepEqual(databases.placeOf('2001:db8::1'), { country: null, asn: null });
    t.deepEqual(databases.placeOf('no address'), { country: null, asn: null });
    t.deepEqual(warnings, []);
  });
}

test('addresses of IPv6 are found however they are written, and those of IPv4 within them', (t) => {
  const { databases, warnings } = openAll(t, [
    mmdbOf({ ...countries, '2001:db8:7::/48': { country: { iso_code: 'NL' }, asn: 64501 } }, 6),
  ]);
  t.deepEqual(warnings, []);
  t.deepEqual(databases.placeOf('2001:db8:7::1'), { country: 'nl', asn: '64501' });
  t.deepEqual(databases.placeOf('2001:0DB8:0007:0000:ffff:0:0:1'), { country: 'nl', asn: '64501' });
  t.deepEqual(databases.placeOf('2001:db8:8::1'), { country: null, asn: null });
  t.is(databases.placeOf('192.0.2.1').country, 'de');
  t.is(databases.placeOf('::ffff:192.0.2.1').country, 'de');
});

test('the first database that says anything is believed', (t) => {
  const other = mmdbOf({ '192.0.2.0/24': { country: 'US', asn: 1 } });
  const { databases } = openAll(t, [mmdbOf(countries), other]);
  t.deepEqual(databases.placeOf('192.0.2.1'), { country: 'de', asn: '1' });
});

test('a file that is missing or no database is told of by its name, and the others serve', (t) => {
  const { databases, files, warnings } = openAll(t, [null, Buffer.from('no database'), mmdbOf(countries)]);
  t.is(warnings.length, 2);
  t.true(warnings.every((line, index) => line.includes(files[index]!)));
  t.is(databases.placeOf('192.0.2.1').country, 'de');
});

test('a database that was cut, or has wrong octets, never throws', (t) => {
  const whole = mmdbOf(countries);
  for (let at = 0; at < whole.length; at += 1) {
    const wrong = Buffer.from(whole);
    wrong[at] = wrong[at]! ^ 0xff;
    const { databases } = openAll(t, [whole.subarray(0, at), wrong]);
    t.notThrows(() => databases.placeOf('192.0.2.1'));
  }
});
