import type { Socket } from 'node:net';
import { formatBasic } from '../protocol/credentials.ts';
import { ResponseHeadDecoder } from '../protocol/http-head.ts';
import type { ResponseHead } from '../protocol/http-message.ts';
import { type ConnectionEvents, HttpConnection } from '../transport/http-connection.ts';
import { exitTarget } from '../transport/tunnel.ts';
import type { Attempt } from './attempt-run.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';
import { openRoute } from './exit-route.ts';

/** A connection over which requests are forwarded: to an HTTP exit that takes them in absolute form, or through a tunnel to the
 *  origin itself. */
export interface ExitLink {
  readonly socket: Socket;
  readonly connection: HttpConnection<ResponseHead>;
  /** Whom it may serve again: one client, exit, credential and session; through a tunnel, one origin. */
  readonly key: string;
  readonly absoluteForm: boolean;
  /** Proxy-Authorization for an exit that takes requests in absolute form; empty otherwise. */
  readonly proxyAuthorization: string;
  /** Whether it has carried an exchange before: then it may turn out to be dead. */
  readonly reused: boolean;
}

/** While nobody uses a kept link, what comes over it is of no interest: its keeper closes it. */
const nobody: ConnectionEvents<ResponseHead> = {
  headBegun() {},
  head() {},
  content() {},
  contentEnd() {},
  fault() {},
  ended() {},
  closed() {},
};

/** A kept link that fits the exchange and this attempt's exit, or null. */
export function takeLink(deps: Collaborators, exchange: Exchange, attempt: Attempt): ExitLink | null {
  const link = deps.kept.take(linkKey(exchange, attempt, takesAbsoluteForm(exchange, attempt)));
  return link === null ? null : { ...link, reused: true };
}

/** Opens a link over the attempt's exit, within the dial deadline and the attempt's share of the time. `upgrade` needs a way
 *  through to the origin, because few proxies forward an Upgrade. */
export async function openLink(
  deps: Collaborators,
  exchange: Exchange,
  { attempt, upgrade }: { attempt: Attempt; upgrade: boolean },
): Promise<ExitLink> {
  const absoluteForm = !upgrade && takesAbsoluteForm(exchange, attempt);
  const { endpoint } = attempt.choice;
  const key = linkKey(exchange, attempt, absoluteForm);
  const { socket, early } = absoluteForm ? await dialExit(deps, attempt) : await openRoute(deps, exchange, attempt);
  const decoder = new ResponseHeadDecoder(deps.settings().heads);
  const connection = new HttpConnection<ResponseHead>(socket, { decoder, role: 'response', events: nobody });
  connection.feed(early);
  const { username, password } = endpoint;
  const proxyAuthorization =
    absoluteForm && username !== undefined ? formatBasic({ username, password: password ?? '' }) : '';
  return { socket, connection, key, absoluteForm, proxyAuthorization, reused: false };
}

/** Keeps a link for the next exchange of its key. */
export function keepLink(deps: Collaborators, link: ExitLink, idleMs: number): void {
  link.connection.events = nobody;
  // The last content may have found its client slow; left paused, the link would never read another response.
  link.connection.resume();
  deps.kept.keep(link.key, link, idleMs);
}

async function dialExit(
  deps: Collaborators,
  { choice, wayMs, signal }: Attempt,
): Promise<{ socket: Socket; early: Buffer }> {
  const { endpoint, exit } = choice;
  const socket = await deps.dialler.dial({
    ...exitTarget({ endpoint, verifyTls: exit.verifyTls, ca: exit.ca }),
    judge: (address) => deps.rules().judgeEndpoint(address, endpoint.port),
    deadlineMs: Math.min(deps.settings().timeouts.dial, wayMs),
    signal,
  });
  return { socket, early: Buffer.alloc(0) };
}

/** An HTTP exit forwards requests itself, unless the name is to be resolved here: then it gets a tunnel to the address. */
function takesAbsoluteForm(exchange: Exchange, { choice }: Attempt): boolean {
  const { scheme } = choice.endpoint;
  const dns = exchange.admission?.params.dns ?? choice.exit.dns;
  return (scheme === 'http' || scheme === 'https') && dns === 'remote';
}

function linkKey(exchange: Exchange, { choice }: Attempt, absoluteForm: boolean): string {
  const { admission, authority } = exchange;
  const { endpoint, exit } = choice;
  return JSON.stringify([
    admission?.client.name,
    admission?.params.session,
    exit.id,
    endpoint.host,
    endpoint.port,
    endpoint.username,
    endpoint.password,
    admission?.params.ip,
    absoluteForm ? null : `${authority?.host}:${authority?.port}`,
  ]);
}
