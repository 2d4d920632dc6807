import { hashText } from '../../memory/hash.ts';
import type { Report } from '../../protocol/report.ts';
import type { Collaborators } from '../collaborators.ts';
import { learn } from '../site-signals.ts';
import type { RecentQuery } from './recent-exchanges.ts';

/** How far a client's word is believed: it saw the page, but may have its own idea of a refusal. */
const REPORT_WEIGHT = 0.8;

/** What a report was about. */
export interface ReportedExchange {
  readonly id: string;
  /** The exit's id. */
  readonly exit: string;
  readonly site: string;
  readonly verdict: Report['verdict'];
}

/** Why a report is of no use: no such exchange of this client's within ten minutes; a tag that several carry; an exchange that
 *  was reported before. */
export type ReportRefusal = 'unknown' | 'ambiguous' | 'repeated';

export type ReportOutcome =
  | { readonly ok: true; readonly reported: ReportedExchange }
  | { readonly ok: false; readonly refusal: ReportRefusal };

/** Finds the exchange that a report is about, over all threads, and lets selection learn from it, once. `client` is whose exchanges
 *  it may be about; null for an operator, who may name any by its id. */
export async function applyReport(
  deps: Pick<Collaborators, 'signals'>,
  report: Report,
  client: string | null,
): Promise<ReportOutcome> {
  const { sites, lookUp } = deps.signals;
  const query = queryOf(report, { client, siteOf: (host) => sites.of(host) });
  if (query === null) return refusal('unknown');
  const { exchange, ambiguous } = await lookUp.find(query);
  if (ambiguous) return refusal('ambiguous');
  if (exchange === null) return refusal('unknown');
  if (!(await lookUp.claim(exchange.id))) return refusal('repeated');
  const { id, exit, site, at } = exchange;
  const { verdict, retryAfterMs } = report;
  learn(
    deps,
    { at, site, client: hashText(exchange.client) },
    { page: verdict, weight: REPORT_WEIGHT, retryAfterMs, rule: null },
  );
  return { ok: true, reported: { id, exit, site, verdict } };
}

/** Null where the client's name is needed and isn't there. */
function queryOf(
  { about }: Report,
  { client, siteOf }: { client: string | null; siteOf: (host: string) => string },
): RecentQuery | null {
  if (about.by === 'id') return { ...about, client };
  if (client === null) return null;
  if (about.by === 'tag') return { ...about, client };
  const { by, session, host } = about;
  return { by, session, client, site: host === null ? null : siteOf(host) };
}

const refusal = (why: ReportRefusal): ReportOutcome => ({ ok: false, refusal: why });
