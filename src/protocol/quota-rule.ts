import { unitsOf } from './decimal.ts';
import { named, no, type PartReader, parseParts, poolFault, readPool, readSite, readTag } from './rule-text.ts';
import { readZone } from './time-zone.ts';
import { parseSize, type Reading } from './units.ts';

/** What a quota is of: octets at the sockets toward exits, exchanges that were let in, or what both cost by the pools' prices. */
export const measures = ['bytes', 'requests', 'money'] as const;
export type Measure = (typeof measures)[number];

/** For how long a quota lasts until it begins anew: parts of the calendar (weeks from Monday on), or for ever. */
export const periods = ['hour', 'day', 'week', 'month', 'total'] as const;
export type Period = (typeof periods)[number];

/** Decimals of money that are counted. */
export const MONEY_DECIMALS = 9;

/** So much of something in a period. */
export interface Allotment {
  readonly measure: Measure;
  /** Octets, exchanges, or units of 10^-9 of the currency. */
  readonly most: bigint;
  /** Of money; empty otherwise. */
  readonly currency: string;
  readonly period: Period;
}

/** Quotas, and the exchanges that they are about: those over the pool, to the site (a host and all below it) and with the tag that
 *  are named. */
export interface QuotaRule {
  readonly pool?: string;
  readonly site?: string;
  readonly tag?: string;
  /** The time zone (IANA) whose calendar holds. */
  readonly zone: string;
  /** `hard`: what is beyond is refused, and what runs is cut; `soft`: it is told. */
  readonly kind: QuotaKind;
  readonly allotments: readonly Allotment[];
}

export type QuotaKind = 'soft' | 'hard';

/** How a rule is written, for help texts. */
export const quotaGrammar =
  'bytes=SIZE/PERIOD, requests=N/PERIOD, money=AMOUNT/PERIOD such as 25USD/day, a PERIOD being hour, day, week, month or total; zone=ZONE of its calendar (UTC), kind=hard or soft, and for which exchanges: pool=NAME, site=NAME, tag=NAME; joined with spaces';

interface Draft extends Omit<QuotaRule, 'allotments'> {
  readonly bytes: Allotment;
  readonly requests: Allotment;
  readonly money: Allotment;
}

const expected: Readonly<Record<Measure, string>> = {
  bytes: 'expected a size in a period, such as 50GB/month',
  requests: 'expected a number in a period, such as 100000/day',
  money: 'expected an amount with its currency in a period, such as 25USD/day',
};

/** Beyond these the count of a quota could not be exact, or is no quota. */
const MOST_REQUESTS = 1_000_000_000_000;
const MOST_MONEY = 1_000_000_000;

/** Reads `AMOUNT/PERIOD`; `amountOf` reads the amount. */
function allotment(measure: Measure, amountOf: (text: string) => Reading<Pick<Allotment, 'most' | 'currency'>>) {
  return (text: string): Reading<Allotment> => {
    const [, amount = '', word = ''] = /^([^/]+)\/([^/]*)$/.exec(text) ?? [];
    if (amount === '') return no(expected[measure]);
    const period = periods.find((known) => known === word);
    if (period === undefined)
      return no(`expected a period: ${periods.join(', ')}. A rate such as 10/s is a limit (limits.clients)`);
    const reading = amountOf(amount);
    if (!reading.ok) return reading;
    if (reading.value.most <= 0n) return no('a quota of nothing: disable the client to keep it out');
    return { ok: true, value: { measure, ...reading.value, period } };
  };
}

function bytes(text: string): Reading<Pick<Allotment, 'most' | 'currency'>> {
  const size = parseSize(text);
  return size.ok ? { ok: true, value: { most: BigInt(size.value), currency: '' } } : size;
}

function requests(text: string): Reading<Pick<Allotment, 'most' | 'currency'>> {
  const count = /^[0-9]{1,13}$/.test(text) ? Number(text) : -1;
  if (count < 0 || count > MOST_REQUESTS) return no(`expected a whole number from 1 to ${MOST_REQUESTS}`);
  return { ok: true, value: { most: BigInt(count), currency: '' } };
}

function money(text: string): Reading<Pick<Allotment, 'most' | 'currency'>> {
  const [, amount = '', currency = ''] = /^([0-9]{1,10}(?:\.[0-9]{1,9})?)([A-Z]{3})$/.exec(text) ?? [];
  if (amount === '' || Number(amount) > MOST_MONEY)
    return no(`${expected.money}, of at most ${MOST_MONEY}, with ${MONEY_DECIMALS} decimals at most`);
  return { ok: true, value: { most: unitsOf(amount, MONEY_DECIMALS), currency } };
}

const readKind = (text: string): Reading<QuotaKind> =>
  text === 'soft' || text === 'hard' ? { ok: true, value: text } : no('expected hard or soft');

const readers: ReadonlyMap<string, PartReader<Draft>> = new Map<string, PartReader<Draft>>([
  ['bytes', named('bytes', allotment('bytes', bytes))],
  ['requests', named('requests', allotment('requests', requests))],
  ['money', named('money', allotment('money', money))],
  ['zone', named('zone', readZone)],
  ['kind', named('kind', readKind)],
  ['pool', named('pool', readPool)],
  ['site', named('site', readSite)],
  ['tag', named('tag', readTag)],
]);

/** A pool as far as money goes. */
export interface PricedPool {
  readonly name: string;
  readonly price: { readonly currency: string } | null;
}

/** What is wrong with a quota that could never count anything: its pool doesn't exist, or no pool that it is about is priced in its
 *  currency; null where nothing is. */
export function quotaFault(rule: QuotaRule, pools: () => readonly PricedPool[]): string | null {
  return poolFault(rule, pools) ?? currencyFault(rule, pools);
}

function currencyFault({ pool, allotments }: QuotaRule, pools: () => readonly PricedPool[]): string | null {
  const wanted = allotments.find(({ measure }) => measure === 'money')?.currency;
  if (wanted === undefined) return null;
  const about = pools().filter(({ name }) => pool === undefined || name === pool);
  const known = [...new Set(about.flatMap(({ price }) => price?.currency ?? []))].sort();
  if (known.includes(wanted)) return null;
  const whose = pool === undefined ? 'no pool has' : `pool "${pool}" has no`;
  if (known.length === 0) return `money: ${whose} ${pool === undefined ? 'a ' : ''}price; give it one in its file`;
  return `money: ${whose} ${pool === undefined ? 'a ' : ''}price in ${wanted}; write the amount in ${known.join(' or ')}`;
}

/** Pools that a quota in money is about and whose cost it can't count, because they are priced in another currency. */
export function uncountedPools({ pool, allotments }: QuotaRule, pools: readonly PricedPool[]): readonly string[] {
  const wanted = allotments.find(({ measure }) => measure === 'money')?.currency;
  if (wanted === undefined) return [];
  const about = pools.filter(({ name }) => pool === undefined || name === pool);
  return about.filter(({ price }) => price !== null && price.currency !== wanted).map(({ name }) => name);
}

/** Reads a rule such as `bytes=50GB/month zone=Europe/Berlin`, or `pool=residential money=25USD/day kind=soft`. The message names
 *  the part. */
export function parseQuotaRule(text: string): Reading<QuotaRule> {
  const reading = parseParts(text, readers);
  if (!reading.ok) return reading;
  const { bytes, requests, money, zone = 'UTC', kind = 'hard', ...about } = reading.value;
  const allotments = [bytes, requests, money].filter((one) => one !== undefined);
  if (allotments.length === 0) return no(`there is no quota in it: ${measures.map((one) => `${one}=`).join(', ')}`);
  return { ok: true, value: { ...about, zone, kind, allotments } };
}
