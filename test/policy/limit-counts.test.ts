import test from 'ava';
import { LimitRows } from '../../src/memory/limit-rows.ts';
import { ClientLimits } from '../../src/policy/limit-book.ts';
import type { LimitCell } from '../../src/policy/limit-cells.ts';
import { createLimitMemory, LimitCounts, NONE_LEFT, TAKEN, UNCOUNTED } from '../../src/policy/limit-counts.ts';
import { SiteBook } from '../../src/policy/site-book.ts';
import { type LimitRule, parseLimitRule } from '../../src/protocol/limit-rule.ts';
import { parseSiteRule, type SiteRule } from '../../src/protocol/site-rule.ts';

const rule = (text: string): LimitRule => {
  const reading = parseLimitRule(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.value;
};

const siteRule = (text: string): SiteRule => {
  const reading = parseSiteRule(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.value;
};

const limitsOf = (own: readonly string[], everyone: readonly string[] = [], client = 'acme') =>
  new ClientLimits(client, { own: own.map(rule), everyone: everyone.map(rule) });

const facts = { pool: 'res', host: 'www.shop.example', tag: undefined };
const namesOf = (limits: ClientLimits, more: object = {}) => limits.of({ ...facts, ...more }).map(({ name }) => name);

test('of each kind the first rule that fits holds: own before everyone’s, the more it says the earlier', (t) => {
  const limits = limitsOf(
    ['requests=5/s', 'site=shop.example requests=1/s', 'pool=res tag=nightly requests=2/s'],
    ['site=shop.example tag=nightly requests=9/s', 'exchanges=7', 'pool=dc site-exchanges=2'],
  );
  t.deepEqual(namesOf(limits), ['exchanges', 'requests site=shop.example']);
  t.deepEqual(namesOf(limits, { tag: 'nightly' }), ['exchanges', 'requests pool=res tag=nightly']);
  t.deepEqual(namesOf(limits, { host: 'myshop.example' }), ['exchanges', 'requests']);
  t.deepEqual(namesOf(limits, { pool: 'dc' }), ['exchanges', 'site-exchanges pool=dc', 'requests site=shop.example']);
});

test('all limits are those that may hold: none behind one about all exchanges, or about the same ones', (t) => {
  const limits = limitsOf(
    ['requests=5/s', 'tag=fast requests=9/s', 'pool=res exchanges=2'],
    ['tag=slow requests=1/h', 'pool=res exchanges=7', 'exchanges=9', 'bandwidth=1MB/s'],
  );
  t.deepEqual(
    limits.all.map(({ name, most }) => [name, most]),
    [
      ['exchanges pool=res', 2],
      ['exchanges', 9],
      ['requests tag=fast', 9],
      ['requests', 5],
      ['bandwidth', 1_000_000],
    ],
  );
  t.deepEqual(namesOf(limits, { tag: 'slow' }), ['exchanges pool=res', 'requests', 'bandwidth']);
});

test('what a thread held when it died is given back, and nothing else', (t) => {
  const memory = createLimitMemory(2, Buffer.from('a key'));
  const [one, other, control] = [0, 1, 2].map((taker) => new LimitCounts(memory, taker)) as [
    LimitCounts,
    LimitCounts,
    LimitCounts,
  ];
  const [exchanges] = limitsOf(['exchanges=3']).of(facts) as [ReturnType<ClientLimits['of']>[number]];
  const cells = [one, other, control].map((counts) => counts.cellOf(exchanges)) as [LimitCell, LimitCell, LimitCell];
  one.take(cells[0], 0);
  one.take(cells[0], 0);
  const kept = other.take(cells[1], 0);
  t.is(other.take(cells[1], 0), NONE_LEFT);
  control.bury(0);
  t.is(control.figure(cells[2], 0).left, 2);
  t.true(other.take(cells[1], 0) >= 0);
  other.giveBack(kept);
  other.giveBack(kept);
  t.is(other.figure(cells[1], 0).left, 2);
});

test('who goes to more sites than can be counted is refused alone', (t) => {
  const rows = new SharedArrayBuffer(LimitRows.wordsFor(64) * Int32Array.BYTES_PER_ELEMENT);
  const counts = new LimitCounts({ ...createLimitMemory(2, Buffer.from('a key')), rows }, 0);
  const refusedAt = (client: string, sites: readonly string[]) => {
    const [limit] = limitsOf([], ['site-requests=20/h site-burst=20'], client).of(facts);
    return sites.filter((site) => counts.take(counts.cellOf(limit!, site), 0) === UNCOUNTED);
  };
  const sites = Array.from({ length: 500 }, (_, i) => `s${i}.example`);
  t.is(refusedAt('greedy', sites).length, 500 - 16 * 11, 'eleven in each of sixteen windows');
  t.deepEqual(refusedAt('modest', sites.slice(0, 16)), []);
  const paced = new SiteBook([siteRule('requests=1/h')], counts);
  for (const site of sites.slice(0, 4)) t.is(counts.take(paced.of(site, site)!.rate!, 0), TAKEN, site);
  for (let i = 0; i < 30; i++) {
    const [limit] = limitsOf(['requests=10/s'], [], `client${i}`).of(facts);
    t.is(counts.take(counts.cellOf(limit!), 0), TAKEN);
  }
});

test('exits that rest from one site leave room for those of others, and for sites', (t) => {
  const rows = new SharedArrayBuffer(LimitRows.wordsFor(64) * Int32Array.BYTES_PER_ELEMENT);
  const counts = new LimitCounts({ ...createLimitMemory(2, Buffer.from('a key')), rows }, 0);
  const rules = ['site=shop.example exit-interval=1h', 'exit-interval=1h requests=1/h'].map(siteRule);
  const book = new SiteBook(rules, counts);
  const refusedOf = (site: string, exits: number) => {
    const { exitInterval } = book.of(site, site)!;
    const names = Array.from({ length: exits }, (_, slot) => `${slot}.1`);
    return names.filter((name) => counts.take(counts.cellOf(exitInterval!, name), 0) === UNCOUNTED).length;
  };
  t.is(refusedOf('shop.example', 500), 500 - 16 * 11, 'eleven in each of sixteen windows');
  t.is(refusedOf('news.example', 16), 0);
  t.is(counts.take(book.of('mail.example', 'mail.example')!.rate!, 0), TAKEN);
});

test('however many reserve an exit that rests from a site, each has a moment of its own', (t) => {
  const counts = new LimitCounts(createLimitMemory(1, Buffer.from('a key')), 0);
  const { exitInterval } = new SiteBook([siteRule('exit-interval=1s')], counts).of('shop.example', 'shop.example')!;
  const cell = counts.cellOf(exitInterval!, '7.1');
  const waits = Array.from({ length: 300 }, () => counts.reserve(cell, 5_000)?.waitMs);
  t.deepEqual(
    waits.map((ms) => Math.round((ms ?? 0) / 1_000)),
    waits.map((_, turn) => turn),
  );
});
