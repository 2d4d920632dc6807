import type { Authority } from '../protocol/authority.ts';
import type { Fields } from '../protocol/fields.ts';
import { formatParams } from '../protocol/params.ts';
import { sessionExit } from './choosing.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';

/** The host that the gateway answers for itself, by every road: forwarding, CONNECT and SOCKS5. */
export const INTERNAL_HOST = 'roundabout.internal';

/** Whether `authority` is the gateway's own host. */
export function isInternal({ host, port }: Authority): boolean {
  return host === INTERNAL_HOST && port === 80;
}

/** Whether a page in a crawler's browser sent the request, by the fields that a browser sets and a page can't. Such a request
 *  must not learn that the host exists. */
export function isFromPage(fields: Fields): boolean {
  const site = fields.get('sec-fetch-site');
  return fields.has('origin') || fields.has('referer') || (site !== undefined && site.toLowerCase() !== 'none');
}

/** A small reply made here. */
export interface LocalReply {
  readonly status: number;
  readonly reason: string;
  readonly contentType: string;
  readonly body: string;
}

/** Answers a request to the gateway's own host: `/echo` tells what was understood of the request's credential, and the exit its
 *  session holds. Anything else is not found. */
export function answerInternal(
  deps: Collaborators,
  exchange: Exchange,
  request: { method: string; path: string },
): LocalReply {
  const { admission } = exchange;
  const path = request.path.split('?')[0];
  if (admission === null || path !== '/echo') return json(404, 'Not Found', { title: 'not found', paths: ['/echo'] });
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return json(405, 'Method Not Allowed', { title: 'only GET' });
  const exit = sessionExit(deps, admission);
  return json(200, 'OK', {
    client: admission.client.name,
    params: formatParams(admission.params),
    listener: exchange.listener,
    protocol: exchange.mode,
    source: exchange.source,
    pools: admission.client.pools.length > 0 ? admission.client.pools : deps.registry.pools().map((pool) => pool.name),
    defaultPool: deps.settings().defaultPool,
    exit: exit === null ? null : { id: exit.id, pool: exit.pool, ...exit.geo },
    limits: {},
    requestId: exchange.id,
  });
}

function json(status: number, reason: string, value: unknown): LocalReply {
  return { status, reason, contentType: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}
