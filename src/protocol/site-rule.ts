import {
  named,
  no,
  type PartReader,
  parseParts,
  type Rate,
  readCount,
  readDuration,
  readPool,
  readRate,
  readSite,
  withBurst,
} from './rule-text.ts';
import type { Reading } from './units.ts';

/** How fast all clients together may go to a site: requests that come faster wait for their turn. */
export interface SiteRule {
  /** A host and all below it, as one site; every site by itself where none is named. */
  readonly site?: string;
  readonly requests?: Rate;
  /** Exchanges under way at once. */
  readonly exchanges?: number;
  /** From one request of an exit to the next one that it sends to the site, in ms. */
  readonly exitIntervalMs?: number;
  /** Requests that may wait in one thread before one of a client's, and how long, in ms. */
  readonly queue: number;
  readonly waitMs: number;
}

/** How much each exit may carry. */
export interface ExitRule {
  /** Of this pool; every exit where none is named. */
  readonly pool?: string;
  readonly exchanges: number;
}

const DEFAULT_QUEUE = 1_000;
const DEFAULT_WAIT_MS = 30_000;

interface SiteDraft extends SiteRule {
  readonly burst?: number;
}

const siteReaders: ReadonlyMap<string, PartReader<SiteDraft>> = new Map<string, PartReader<SiteDraft>>([
  ['site', named('site', readSite)],
  ['requests', named('requests', readRate)],
  ['burst', named('burst', readCount)],
  ['exchanges', named('exchanges', readCount)],
  ['exit-interval', named('exitIntervalMs', readDuration)],
  ['queue', named('queue', readCount)],
  ['wait', named('waitMs', readDuration)],
]);

/** Reads a rule such as `site=shop.example requests=5/s exchanges=10 exit-interval=3s queue=100 wait=10s`. Without a burst requests
 *  come one by one. The message names the part. */
export function parseSiteRule(text: string): Reading<SiteRule> {
  const reading = parseParts(text, siteReaders);
  if (!reading.ok) return reading;
  const { burst, queue = DEFAULT_QUEUE, waitMs = DEFAULT_WAIT_MS, ...rule } = reading.value;
  if (burst !== undefined && rule.requests === undefined) return no('burst: there is no requests= that it belongs to');
  const { requests, exchanges, exitIntervalMs } = rule;
  if (requests === undefined && exchanges === undefined && exitIntervalMs === undefined)
    return no('expected at least one of requests=, exchanges=, exit-interval=');
  if (requests === undefined) return { ok: true, value: { ...rule, queue, waitMs } };
  const paced = withBurst(requests, burst ?? 1);
  if (!paced.ok) return no(`burst: ${paced.message}`);
  return { ok: true, value: { ...rule, requests: paced.value, queue, waitMs } };
}

const exitReaders: ReadonlyMap<string, PartReader<ExitRule>> = new Map<string, PartReader<ExitRule>>([
  ['pool', named('pool', readPool)],
  ['exchanges', named('exchanges', readCount)],
]);

/** Reads a rule such as `exchanges=20`, or `pool=residential exchanges=2`. The message names the part. */
export function parseExitRule(text: string): Reading<ExitRule> {
  const reading = parseParts(text, exitReaders);
  if (!reading.ok) return reading;
  const { exchanges, pool } = reading.value;
  if (exchanges === undefined) return no('expected exchanges=');
  return { ok: true, value: { exchanges, ...(pool !== undefined && { pool }) } };
}
