import Type, { type StaticDecode } from 'typebox';
import { type ProbeTarget, parseProbeTarget } from '../protocol/probe-target.ts';
import { readZone } from '../protocol/time-zone.ts';
import type { Reading } from './fault.ts';
import * as t from './schema-terms.ts';

const status = t.whole(100, 599);

const body = t.meaning('a regular expression; groups named address, country, asn are read', (text): Reading<RegExp> => {
  try {
    return { ok: true, value: new RegExp(text, 'u') };
  } catch {
    return { ok: false, message: 'expected a regular expression' };
  }
});

const url = t.meaning('an http or https URL, connect://host:port, or handshake', (text): Reading<ProbeTarget> => {
  const target = parseProbeTarget(text);
  return target.ok ? target : { ok: false, message: target.fault.detail };
});

const target = t.mapping({
  url,
  status: t.optional(Type.Union([status, t.list(status)], { description: 'a status such as 200, or a list of them' })),
  body: t.optional(body),
  maxLatency: t.duration('10s'),
});

/** `probe` of a pool file: when and how exits are probed that no client has tried lately. */
export const poolProbe = t.section({
  targets: t.list(target, []),
  every: t.duration('1m', 50),
  idleAfter: t.duration('30m', 50),
  budget: t.size({ least: 0, most: 2 ** 50, initial: 5 * 1024 ** 2 }),
  concurrency: t.whole(1, 1_000, 4),
});

/** How a pool's exits are probed. Durations in ms. */
export interface PoolProbing {
  /** In turn; empty for what can be asked without a service of others. */
  readonly targets: readonly { readonly target: ProbeTarget; readonly maxLatencyMs: number }[];
  /** Between two probes of one exit, at least. */
  readonly everyMs: number;
  /** How long nothing was heard of an exit that counts as idle. */
  readonly idleAfterMs: number;
  /** Octets for a day; 0 for no probes. */
  readonly budget: number;
  readonly concurrency: number;
}

/** A pool's probing as it is used. */
export function poolProbingOf(written: StaticDecode<typeof poolProbe>): PoolProbing {
  const { targets, every, idleAfter, budget, concurrency } = written;
  return { targets: targets.map(targetOf), everyMs: every, idleAfterMs: idleAfter, budget, concurrency };
}

function targetOf({ url, status = [], body, maxLatency }: StaticDecode<typeof target>) {
  const page = url.kind === 'page' ? { ...url, statuses: [status].flat(), body: body ?? null } : url;
  return { target: page, maxLatencyMs: maxLatency };
}

const zone = t.meaning('a time zone such as UTC or Europe/Berlin', readZone, 'UTC');

const PUBLIC_URL =
  'a URL of http, not https, that leads to the probe page from outside, such as http://203.0.113.5:8099';

const publicUrl = t.meaning(PUBLIC_URL, (text): Reading<string> => {
  const parsed = parseProbeTarget(text);
  const fits = parsed.ok && parsed.value.kind === 'page' && !parsed.value.tls && !text.includes('?');
  return fits ? { ok: true, value: text.replace(/\/$/, '') } : { ok: false, message: `expected ${PUBLIC_URL}` };
});

/** `probe` of the configuration: the page of ours that exits are asked for, and when a day of budgets begins. */
export const probing = t.section({
  host: t.host('127.0.0.1'),
  port: t.whole(0, 65_535, 0),
  publicUrl: t.nullable(PUBLIC_URL, publicUrl),
  zone,
});

/** `geo` of the configuration: databases that tell where an address is. */
export const geo = t.section({ mmdb: t.list(t.text('a path'), []) });
