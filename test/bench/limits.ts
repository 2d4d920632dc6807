// By hand: node test/bench/limits.ts. What it costs to decide on an exchange and to give back, and to book it, in ns, beside a look-up
// in a Map and a change to it in the same run.

import type { Exchange } from '../../src/gateway/exchange.ts';
import { BoundsByHost } from '../../src/gateway/limits/bounds.ts';
import { ExchangeLimits } from '../../src/gateway/limits/exchange-limits.ts';
import type { BookedPool } from '../../src/ledger/booking.ts';
import { Tally } from '../../src/ledger/tally.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import type { LimitRule } from '../../src/protocol/limit-rule.ts';
import { parseLimitRule } from '../../src/protocol/limit-rule.ts';

const ROUNDS = 11;
const TIMES = 40_000;
const CLIENTS = 1_000;
const SITES = 50;

const now = () => performance.now();

const clients = Array.from({ length: CLIENTS }, (_, i) => ({ name: `client${i}`, limits: [] }));
const hosts = Array.from({ length: SITES }, (_, i) => `www.site${i}.example`);
const sites = hosts.map((host) => host.slice(4));
const siteNames = { of: (host: string) => host.slice(4) };
const logins = clients.map(({ name }) => new BoundsByHost(name));

/** The exchange under way, as far as limits look at it: what is its own has just been made, and lies in the cache; what is its
 *  client's does not. */
const admission = { client: clients[0]!, pools: ['residential'], params: {} };
const exchange = {
  admission,
  bounds: null,
  limits: null,
  limitPlace: -1,
  limitSitePlace: -1,
  pace: null,
} as unknown as Exchange;

function decider(texts: readonly string[]): (index: number) => void {
  const everyone = texts.map((text): LimitRule => {
    const reading = parseLimitRule(text);
    if (!reading.ok) throw new Error(reading.message);
    return reading.value;
  });
  const counts = new LimitCounts(createLimitMemory(2, Buffer.from('a key')), 0);
  const limits = new ExchangeLimits({ counts, everyone: () => everyone, now });
  return (index) => {
    admission.client = clients[index % CLIENTS]!;
    exchange.bounds = logins[index % CLIENTS]!.of(hosts[index % SITES]!, siteNames);
    limits.take(exchange, now());
    limits.ended(exchange);
  };
}

const pool: BookedPool = {
  name: 'residential',
  tier: 'res',
  price: { perGB: 4.2, perRequest: 0, perIpMonth: 0, currency: 'USD' },
};
const tally = new Tally({ bookings: 20_000, lineBytes: 256 * 1_024 });
let booked = 0;

function book(index: number): void {
  const { name } = clients[index % CLIENTS]!;
  const key = { client: name, tag: '', site: sites[index % SITES]!, pool, country: 'de', kind: 'ok' };
  const sum = tally.sumOf(key);
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
  // What is posted four times a second: of ten thousand exchanges in a second.
  if (++booked % 2_500 === 0) tally.take();
}

const decide = decider(['requests=1000000/s burst=1000000 exchanges=1000']);

const map = new Map<string, number>(clients.map(({ name }) => [name, 0]));

const rows: Readonly<Record<string, (index: number) => void>> = {
  'Map get and set': (index) => {
    const { name } = clients[index % CLIENTS]!;
    map.set(name, (map.get(name) ?? 0) + 1);
  },
  'no limits': decider([]),
  requests: decider(['requests=1000000/s burst=1000000']),
  'requests, exchanges': decider(['requests=1000000/s burst=1000000 exchanges=1000']),
  'the same, and for each site': decider([
    'requests=1000000/s burst=1000000 exchanges=1000 site-requests=1000000/s site-burst=1000000 site-exchanges=1000',
  ]),
  book,
  'requests, exchanges, and book': (index) => {
    decide(index);
    book(index);
  },
  'with rules of pool, site and tag': decider([
    'requests=1000000/s burst=1000000 exchanges=1000',
    'site=site1.example requests=1000000/s burst=1000000',
    'pool=residential tag=nightly exchanges=1000',
  ]),
};

/** This process's own time: the machine may be busy with others. */
const spentNs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
};

const times = new Map<string, number[]>(Object.keys(rows).map((name) => [name, []]));
for (let round = -2; round < ROUNDS; round++) {
  for (const [name, operation] of Object.entries(rows)) {
    const begun = spentNs();
    for (let i = 0; i < TIMES; i++) operation(i * 7);
    if (round >= 0) times.get(name)?.push((spentNs() - begun) / TIMES);
  }
}
const medianOf = (figures: readonly number[]): number =>
  figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)] ?? Number.NaN;
const base = medianOf(times.get('Map get and set') ?? []);
for (const [name, figures] of times) {
  const ns = medianOf(figures);
  process.stdout.write(`${name.padEnd(34)} ${ns.toFixed(0).padStart(6)} ns  ${(ns / base).toFixed(1).padStart(5)} ×\n`);
}
