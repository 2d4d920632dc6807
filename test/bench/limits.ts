// By hand: node test/bench/limits.ts. What it costs to decide on an exchange and to give back, in ns, beside a look-up in a Map and a
// change to it in the same run.

import type { Exchange } from '../../src/gateway/exchange.ts';
import { ExchangeLimits } from '../../src/gateway/exchange-limits.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import type { LimitRule } from '../../src/protocol/limit-rule.ts';
import { parseLimitRule } from '../../src/protocol/limit-rule.ts';

const ROUNDS = 11;
const TIMES = 40_000;
const CLIENTS = 1_000;
const SITES = 50;

const now = () => performance.now();

/** Exchanges of a thousand clients with fifty sites, as far as limits look at them. */
const exchanges = Array.from({ length: CLIENTS * 5 }, (_, i) => {
  const client = { name: `client${i % CLIENTS}`, limits: [] };
  const host = `www.site${i % SITES}.example`;
  const admission = { client, pools: ['residential'], params: {} };
  return { admission, authority: { host }, site: host.slice(4), limits: null, pace: null } as unknown as Exchange;
});

function decider(texts: readonly string[]): (index: number) => void {
  const everyone = texts.map((text): LimitRule => {
    const reading = parseLimitRule(text);
    if (!reading.ok) throw new Error(reading.message);
    return reading.value;
  });
  const counts = new LimitCounts(createLimitMemory(2, Buffer.from('a key')), 0);
  const limits = new ExchangeLimits({ counts, everyone: () => everyone, now });
  return (index) => {
    const exchange = exchanges[index % exchanges.length]!;
    limits.take(exchange);
    limits.ended(exchange);
  };
}

const map = new Map<string, number>(exchanges.map((_, i) => [`client${i}`, 0]));
const names = [...map.keys()];

const rows: Readonly<Record<string, (index: number) => void>> = {
  'Map get and set': (index) => {
    const name = names[index % names.length]!;
    map.set(name, (map.get(name) ?? 0) + 1);
  },
  'no limits': decider([]),
  requests: decider(['requests=1000000/s burst=1000000']),
  'requests, exchanges': decider(['requests=1000000/s burst=1000000 exchanges=1000']),
  'the same, and for each site': decider([
    'requests=1000000/s burst=1000000 exchanges=1000 site-requests=1000000/s site-burst=1000000 site-exchanges=1000',
  ]),
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
