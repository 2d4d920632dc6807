import type { Buffer } from 'node:buffer';
import { GatewayError } from '../../errors.ts';
import type { Authority } from '../../protocol/authority.ts';
import type { Fields } from '../../protocol/fields.ts';
import { parseReport } from '../../protocol/report.ts';
import { readSite } from '../../protocol/rule-text.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Admission, Exchange, Mode } from '../exchange.ts';
import { echoOf } from './echo.ts';
import { applyReport } from './report.ts';

/** The host that the gateway answers for itself, by every road: forwarding, CONNECT and SOCKS5. */
const INTERNAL_HOST = 'roundabout.internal';

/** Whether `authority` is the gateway's own host. */
export function isInternal({ host, port }: Authority): boolean {
  return host === INTERNAL_HOST && port === 80;
}

/** What a tunnel to the gateway's own host at another port ends with, or null where that isn't asked for. A forwarded request may be
 *  a page's, and gets what any unknown name gets; of a tunnel's end no page sees anything. */
export function missedInternal({ host, port }: Authority, mode: Mode): GatewayError | null {
  if (host !== INTERNAL_HOST || port === 80 || mode === 'forward') return null;
  return new GatewayError('target_ip_forbidden', { detail: `${INTERNAL_HOST} is http:// on port 80 only` });
}

/** Whether a page in a crawler's browser sent the request, by the fields that a browser sets and a page can't. Such a request
 *  must not learn that the host exists. */
function isFromPage(fields: Fields): boolean {
  const site = fields.get('sec-fetch-site');
  return fields.has('origin') || fields.has('referer') || (site !== undefined && site.toLowerCase() !== 'none');
}

/** Whether a request to the gateway's own host is to be treated as if the host didn't exist: a page sent it, or it is a report of a
 *  type that a page could send without being asked first. */
export function isHidden({ method, path, fields }: { method: string; path: string; fields: Fields }): boolean {
  return isFromPage(fields) || (method === 'POST' && pathOf(path) === REPORT && !isJson(fields.get('content-type')));
}

/** A small reply made here. */
export interface LocalReply {
  readonly status: number;
  readonly reason: string;
  readonly contentType: string;
  readonly body: string;
  /** For Retry-After, in seconds. */
  readonly retryAfterS?: number;
}

/** A request to the gateway's own host. */
export interface InternalRequest {
  readonly method: string;
  readonly path: string;
  /** Reads its content; null where that is longer than REPORT_BYTES. */
  readonly content: () => Promise<Buffer | null>;
}

/** No report is longer than this. */
export const REPORT_BYTES = 4096;

const ECHO = '/echo';
const REPORT = '/report';

/** Answers a request to the gateway's own host: `/echo` tells what was understood of the request's credential, the exit its session
 *  holds, and what is left of limits; `/report` takes a verdict on an exchange. Anything else is not found. Rejects as reading content does. */
export async function answerInternal(
  deps: Collaborators,
  exchange: Exchange,
  request: InternalRequest,
): Promise<LocalReply> {
  const { admission } = exchange;
  const path = pathOf(request.path);
  if (admission === null || (path !== ECHO && path !== REPORT))
    return json(404, 'Not Found', { title: 'not found', paths: [ECHO, REPORT] });
  if (path === REPORT) {
    if (request.method !== 'POST') return json(405, 'Method Not Allowed', { title: 'only POST' });
    return answerReport(deps, admission.client.name, request);
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return json(405, 'Method Not Allowed', { title: 'only GET' });
  return echo(deps, exchange, admission, request.path);
}

/** For `/echo?site=HOST` with what is left there. */
function echo(deps: Collaborators, exchange: Exchange, admission: Admission, target: string): LocalReply {
  const asked = new URLSearchParams(target.split('?')[1] ?? '').get('site');
  const host = asked === null ? null : readSite(asked);
  if (host?.ok === false)
    return json(400, 'bad_request', { title: 'bad_request', status: 400, detail: `site: ${host.message}` });
  return json(200, 'OK', echoOf(deps, exchange, admission, host === null ? null : host.value));
}

/** What a report that is of no use is answered with. */
const refusals = {
  unknown: [404, 'Not Found', 'unknown_exchange', 'no exchange of yours within the last ten minutes is so named'],
  ambiguous: [409, 'Conflict', 'ambiguous_tag', 'several exchanges of the last ten minutes carry this tag'],
  repeated: [409, 'Conflict', 'already_reported', 'this exchange has been reported'],
} as const;

async function answerReport(deps: Collaborators, client: string, request: InternalRequest): Promise<LocalReply> {
  const waitMs = deps.signals.reports.take(client, deps.now());
  if (waitMs > 0) {
    const retryAfterS = Math.max(1, Math.ceil(waitMs / 1000));
    const problem = { title: 'rate_limited', status: 429, detail: 'too many reports', retryAfter: retryAfterS };
    return { ...json(429, 'rate_limited', problem), retryAfterS };
  }
  const content = await request.content();
  const reading =
    content === null
      ? ({ ok: false, fault: { place: '', detail: `expected at most ${REPORT_BYTES} octets` } } as const)
      : parseReport(content.toString('utf8'));
  if (!reading.ok) return json(400, 'bad_request', { title: 'bad_request', status: 400, ...reading.fault });
  const outcome = await applyReport(deps, reading.report, client);
  if (outcome.ok) return json(200, 'OK', { ...outcome.reported });
  const [status, reason, title, detail] = refusals[outcome.refusal];
  return json(status, reason, { title, status, detail });
}

const pathOf = (target: string): string => target.split('?')[0] ?? '';

/** `application/json`, with parameters or without (RFC 9110 §8.3.1). */
const isJson = (type: string | undefined): boolean => type?.split(';')[0]?.trim().toLowerCase() === 'application/json';

function json(status: number, reason: string, value: unknown): LocalReply {
  return { status, reason, contentType: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}
