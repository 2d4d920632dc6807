/** What the ledger costs: booking an exchange beside one get and set of a Map, in the same run; and the store that a large shop
 *  fills, 1,000 clients that visit 10,000 sites each in a day: its size after a month, and how long reports take.
 *
 *  node test/bench/ledger.ts [DAYS]      30 days unless told; the store lies in the system's folder for temporary files */

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LedgerUpkeep } from '../../src/keeping/ledger-upkeep.ts';
import { type BookedPool, OTHER } from '../../src/ledger/booking.ts';
import { Tally } from '../../src/ledger/tally.ts';
import { reportUsage } from '../../src/ledger/usage.ts';
import { type LedgerQuery, readLedger } from '../../src/store/ledger-report.ts';
import { type LedgerEntry, ledgerLayout, openLedger } from '../../src/store/ledger-store.ts';
import { seededRandom } from '../support/seeded-random.ts';

const CLIENTS = 1_000;
const SITES = 10_000;
/** Sites of each client that the ledger tells apart in an hour, and in a day: the others are one. */
const APART = 100;
const DAY_MS = 86_400_000;
const limits = { enabled: true, keep: 90 * DAY_MS, hours: 2 * DAY_MS, exchanges: 0, pairs: 100_000 };
const pool: BookedPool = {
  name: 'res',
  tier: 'res',
  price: { perGB: 4.2, perRequest: 0, perIpMonth: 0, currency: 'USD' },
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

benchBooking();
benchStore(Number(process.argv[2] ?? 30));

function benchBooking(): void {
  const random = seededRandom(1);
  const sites = Array.from({ length: 2_000 }, (_, site) => `site-${site}.example`);
  const keys = Array.from({ length: 100_000 }, () => sites[Math.floor(random() * random() * sites.length)]!);
  const tally = new Tally({ bookings: 20_000, lineBytes: 256 * 1_024 });
  const map = new Map<string, number>();
  const book = (site: string): void => {
    const sum = tally.sumOf({ client: 'acme', tag: '', site, pool, country: 'de', kind: 'ok' });
    sum.exchanges += 1;
    sum.attempts += 1;
    sum.requests += 1;
    sum.sent += 300;
    sum.received += 20_000;
    sum.ms += 12;
    tally.log(sum, {
      id: 'f81d4fae7dec11d0a76500a0c91e6bf6',
      time: 1.8e12,
      ms: 12,
      sent: 300,
      received: 20_000,
      attempts: 1,
    });
  };
  const count = (site: string): void => void map.set(site, (map.get(site) ?? 0) + 1);
  const rounds = Array.from({ length: 15 }, () => {
    // What is posted every half a second is made in there as well: 2,500 exchanges.
    const booking = timed(keys, book, (index) => index % 2_500 === 0 && tally.take());
    return { booking, map: timed(keys, count, () => {}) };
  });
  const median = (of: (round: (typeof rounds)[number]) => number) => rounds.map(of).sort((a, b) => a - b)[7]!;
  say(`book an exchange, its line in the log included: ${Math.round(median((round) => round.booking))} ns`);
  say(`one Map get and set:                            ${Math.round(median((round) => round.map))} ns`);
}

/** In ns for each. */
function timed(keys: readonly string[], each: (key: string) => void, then: (index: number) => void): number {
  const begun = process.hrtime.bigint();
  for (let index = 0; index < keys.length; index++) {
    each(keys[index]!);
    then(index);
  }
  return Number(process.hrtime.bigint() - begun) / keys.length;
}

function benchStore(days: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-ledger-'));
  const clock = { now: 20_000 * DAY_MS };
  const ledger = openLedger(folder, { ...limits, other: OTHER, now: () => clock.now });
  const upkeep = new LedgerUpkeep({ ledger, limits, other: OTHER, wallTime: () => clock.now });
  const size = () => {
    ledger.store.read((database) => database.pragma('wal_checkpoint(TRUNCATE)'));
    return statSync(join(folder, ledgerLayout.file)).size / 1e6;
  };
  const random = seededRandom(2);
  let booked = 0;
  let bookedMs = 0;
  let longestMs = 0;
  for (let day = 0; day < days; day++) {
    // Of a day that is summed no more stands than what one hour brings: the hours of the last days are filled alone.
    for (
      const hours = day < days - 2 ? 24 : 1, end = clock.now + DAY_MS;
      clock.now < end;
      clock.now += hours * 3_600_000
    ) {
      const entries = entriesOf(Math.floor(clock.now / 3_600_000), random);
      for (let at = 0; at < entries.length; at += 5_000) {
        const begun = performance.now();
        ledger.add(entries.slice(at, at + 5_000), []);
        bookedMs += performance.now() - begun;
      }
      booked += entries.length;
    }
    for (let more = true; more; ) {
      const begun = performance.now();
      more = upkeep.step();
      longestMs = Math.max(longestMs, performance.now() - begun);
    }
    say(`day ${day + 1}: ${size().toFixed(0)} MB`);
  }
  say(
    `${booked} bookings, ${((bookedMs * 1e3) / booked).toFixed(1)} µs each; the longest step of upkeep ${longestMs.toFixed(0)} ms`,
  );
  const now = Math.floor(clock.now / 3_600_000);
  const month: LedgerQuery = { since: now - 24 * days, until: now, by: [] };
  const reports: [string, LedgerQuery][] = [
    ['by client', { ...month, by: ['client'] }],
    ['by day', { ...month, by: ['day'] }],
    ['by client and day', { ...month, by: ['client', 'day'] }],
    ['by site', { ...month, by: ['site'] }],
    ['by site of one client', { ...month, client: 'client7', by: ['site'] }],
    ['by client of one site', { ...month, site: 'site-3.example', by: ['client'] }],
    ['by country and kind', { ...month, by: ['country', 'kind'] }],
    ['by hour of the last day', { ...month, since: now - 24, by: ['hour'] }],
  ];
  for (const [name, query] of reports) {
    const [begun, spent] = [performance.now(), process.cpuUsage()];
    const { rows } = reportUsage(ledger.store.read((database) => readLedger(database, query)));
    const { user, system } = process.cpuUsage(spent);
    const [tookMs, cpuMs] = [performance.now() - begun, (user + system) / 1_000];
    say(
      `report ${name.padEnd(24)} ${tookMs.toFixed(0).padStart(6)} ms (CPU ${cpuMs.toFixed(0)} ms), ${rows.length} rows`,
    );
  }
  upkeep.close();
  ledger.close();
  rmSync(folder, { recursive: true });
}

/** What an hour brings of sites that are told apart, and the others as one; a few are refused. */
function entriesOf(hour: number, random: () => number): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (let client = 0; client < CLIENTS; client++) {
    for (let visit = 0; visit <= APART; visit++) {
      const site = visit === APART ? OTHER : `site-${Math.floor(SITES * random() * random())}.example`;
      const kind = random() < 0.05 ? 'blocked' : 'ok';
      const country = ['de', 'us', 'fr', 'gb'][visit % 4]!;
      const figures = { exchanges: 1, attempts: 1, requests: 1, sent: 800, received: 60_000, ms: 400 };
      entries.push({ client: `client${client}`, tag: '', site, pool, kind, country, hour, ...figures });
    }
  }
  return entries;
}
