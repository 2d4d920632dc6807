import {
  named,
  no,
  type PartReader,
  parseParts,
  type Rate,
  readCount,
  readFlow,
  readPool,
  readRate,
  readSite,
  readTag,
  withBurst,
} from './rule-text.ts';
import type { Reading } from './units.ts';

/** Limits, and the exchanges that they are about: those over the pool, to the site (a host and all below it) and with the tag that
 *  are named. What isn't given doesn't matter, or isn't limited. */
export interface LimitRule {
  readonly pool?: string;
  readonly site?: string;
  readonly tag?: string;
  /** Requests of the client, and its requests to each site. */
  readonly requests?: Rate;
  readonly siteRequests?: Rate;
  /** Exchanges of the client at once, and those to each site. */
  readonly exchanges?: number;
  readonly siteExchanges?: number;
  /** Octets of the client's in a second, both ways together, of tunnels and of content that is forwarded. */
  readonly bandwidth?: number;
}

/** How a rule is written, for help texts. */
export const limitGrammar =
  'requests=N/s, burst=N, exchanges=N, site-requests=N/s, site-burst=N, site-exchanges=N, bandwidth=SIZE/s, and for which exchanges: pool=NAME, site=NAME, tag=NAME; joined with spaces';

interface Draft extends LimitRule {
  readonly burst?: number;
  readonly siteBurst?: number;
}

const readers: ReadonlyMap<string, PartReader<Draft>> = new Map<string, PartReader<Draft>>([
  ['pool', named('pool', readPool)],
  ['site', named('site', readSite)],
  ['tag', named('tag', readTag)],
  ['requests', named('requests', readRate)],
  ['burst', named('burst', readCount)],
  ['exchanges', named('exchanges', readCount)],
  ['site-requests', named('siteRequests', readRate)],
  ['site-burst', named('siteBurst', readCount)],
  ['site-exchanges', named('siteExchanges', readCount)],
  ['bandwidth', named('bandwidth', readFlow)],
]);

/** Reads a rule such as `requests=10/s burst=20 exchanges=50`, or `site=shop.example requests=30/m`. The message names the part. */
export function parseLimitRule(text: string): Reading<LimitRule> {
  const reading = parseParts(text, readers);
  if (!reading.ok) return reading;
  const { burst, siteBurst, ...given } = reading.value;
  const rule: { -readonly [Key in keyof LimitRule]: LimitRule[Key] } = given;
  if (burst !== undefined) {
    if (rule.requests === undefined) return no('burst: there is no requests= that it belongs to');
    const paced = withBurst(rule.requests, burst);
    if (!paced.ok) return no(`burst: ${paced.message}`);
    rule.requests = paced.value;
  }
  if (siteBurst !== undefined) {
    if (rule.siteRequests === undefined) return no('site-burst: there is no site-requests= that it belongs to');
    const paced = withBurst(rule.siteRequests, siteBurst);
    if (!paced.ok) return no(`site-burst: ${paced.message}`);
    rule.siteRequests = paced.value;
  }
  const { pool: _, site: __, tag: ___, ...limits } = rule;
  return Object.keys(limits).length > 0 ? { ok: true, value: rule } : no('nothing is limited');
}
