import type { Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { Framing, MinorVersion, ResponsePlan } from '../protocol/http-message.ts';
import { serialiseResponse } from '../protocol/http-serialise.ts';
import { endContent, writeContent, writeHeadWith } from '../transport/content-writer.ts';
import { resetSocket } from '../transport/relay.ts';
import type { Collaborators } from './collaborators.ts';
import { Deadline } from './deadline.ts';
import { ClientLeft, type Exchange, replyFields } from './exchange.ts';
import { keepLink } from './exit-link.ts';
import type { Aftermath, Answer, ForwardRequest } from './forward-exchange.ts';
import { relayTunnel } from './tunnel-exchange.ts';

/** How long an idle link to an exit is kept: shorter than the idle limit of common proxies and origins, so that few die first. */
const KEEP_LINK_MS = 30_000;

/** The client's side of a forwarded request. */
export interface ForwardClient {
  readonly socket: Socket;
  readonly minorVersion: MinorVersion;
  readonly keepAlive: boolean;
  /** Whether our reply fields stand on forwarded responses. */
  readonly replyFields: boolean;
  readonly via: boolean;
  /** Gives the socket away for a tunnel, with the octets read behind the request. */
  detach(): Buffer;
}

/** Relays a final response: its head, then its content only as fast as the client takes it, never more of it in memory than
 *  the sockets' buffers. Content that stops before its end is cut off at the client as well, so that it can't look whole.
 *  Rejects with origin_bad_response where it is malformed from its first octets on and nothing was told yet. */
export function relayResponse(
  deps: Collaborators,
  exchange: Exchange,
  { request, answer }: { request: ForwardRequest; answer: Answer },
): Promise<Aftermath> {
  const { client, content, plan } = request;
  const { link, response } = answer;
  const framing = framingFor(client, response);
  // Said beforehand: a client that sends on, or tries again, does so on another connection and reads this answer.
  const keepAlive = client.keepAlive && framing.type !== 'close' && content.passable(plan.expectsContinue);
  const stallMs = deps.settings().timeouts.stall;
  exchange.status = response.status;
  return new Promise((resolve, reject) => {
    /** Until something of the response has been written. Head and first content leave in one write where they came in one read. */
    let head: string | null = responseHead(exchange, { client, response, framing, keepAlive });
    const sendHead = (): void => {
      if (head !== null) client.socket.write(head, 'latin1');
      head = null;
    };
    let waitingForClient = false;
    const onDrain = (): void => {
      waitingForClient = false;
      stalled.set(stallMs);
      link.connection.resume();
    };
    const finish = (aftermath: Aftermath | GatewayError): void => {
      stalled.clear();
      client.socket.off('drain', onDrain);
      answer.exchange.release();
      exchange.clientBytes += content.bytes;
      if (aftermath instanceof GatewayError) reject(aftermath);
      else resolve(aftermath);
    };
    const stalled = new Deadline(() => {
      exchange.by = waitingForClient ? 'client' : 'origin';
      sink.cut();
    });
    const sink = {
      content(chunk: Buffer): void {
        exchange.originBytes += chunk.length;
        stalled.set(stallMs);
        const flowing =
          head === null
            ? writeContent(client.socket, framing, chunk)
            : writeHeadWith(client.socket, head, { framing, octets: chunk });
        head = null;
        if (flowing || waitingForClient) return;
        waitingForClient = true;
        client.socket.once('drain', onDrain);
        link.connection.pause();
      },
      end(trailers: Parameters<typeof endContent>[2]): void {
        sendHead();
        endContent(client.socket, framing, trailers);
        exchange.ending = 'ok';
        if (mayKeep(answer, request)) keepLinkAfter(finish);
        else {
          finish(keepAlive ? 'keep' : 'close');
          link.socket.destroy();
        }
      },
      cut(): void {
        if (head !== null && !exchange.abort.aborted) {
          head = null;
          link.socket.destroy();
          return finish(
            new GatewayError('origin_bad_response', { detail: 'the content of the response is malformed' }),
          );
        }
        const { reason } = exchange.abort;
        exchange.ending ??= reason instanceof ClientLeft ? 'client_left' : 'cut';
        if (reason instanceof ClientLeft) exchange.by ??= 'client';
        else exchange.by ??= reason instanceof GatewayError ? reason.by : 'origin';
        finish('gone');
        link.socket.destroy();
        resetSocket(client.socket);
      },
    };
    const keepLinkAfter = (done: typeof finish): void => {
      done(keepAlive ? 'keep' : 'close');
      keepLink(deps, link, KEEP_LINK_MS);
    };
    stalled.set(stallMs);
    answer.exchange.relayTo(response, sink);
    sendHead();
  });
}

/** Relays 101 and then, both ways, whatever the new protocol is. */
export async function relayUpgrade(
  deps: Collaborators,
  exchange: Exchange,
  { client, answer }: { client: ForwardClient; answer: Answer },
): Promise<Aftermath> {
  const { link, response } = answer;
  exchange.status = 101;
  answer.exchange.release();
  const head = serialiseResponse(response, {
    minorVersionOfClient: client.minorVersion,
    framing: { type: 'none' },
    connection: 'upgrade',
    extra: client.replyFields ? replyFields(exchange) : [],
  });
  link.socket.on('error', () => {});
  client.socket.on('error', () => {});
  const sides = {
    client: { socket: client.socket, early: client.detach() },
    exit: { socket: link.socket, early: link.connection.detach() },
  };
  client.socket.write(head, 'latin1');
  await relayTunnel(deps, exchange, sides);
  return 'gone';
}

function responseHead(
  exchange: Exchange,
  reply: { client: ForwardClient; response: ResponsePlan; framing: Framing; keepAlive: boolean },
): string {
  const { client, response, framing, keepAlive } = reply;
  const extra = client.replyFields ? replyFields(exchange) : [];
  if (client.via) extra.push(['Via', '1.1 roundabout']);
  return serialiseResponse(response, {
    minorVersionOfClient: client.minorVersion,
    framing,
    connection: keepAlive ? 'keep-alive' : 'close',
    extra,
  });
}

/** How the content is framed toward the client: as it came, but chunks only to those who know them. */
function framingFor(client: ForwardClient, { framing }: ResponsePlan): Framing {
  if (framing.type !== 'chunked' && framing.type !== 'close') return framing;
  return client.minorVersion === 1 ? { type: 'chunked' } : { type: 'close' };
}

/** A link may serve again after a message that both sides ended cleanly. One that has begun a connection-bound login (NTLM,
 *  Negotiate) would carry it to whoever comes next. */
function mayKeep({ link, response }: Answer, { content, plan }: ForwardRequest): boolean {
  if (!response.keepAlive || !content.complete) return false;
  if (link.connection.hasSurplus || link.connection.peerEnded || link.socket.destroyed) return false;
  // An origin that answered before it had read the request may never read the rest of it.
  if (link.socket.writableLength > 0) return false;
  const login = [...response.fields.all('www-authenticate'), ...plan.fields.all('authorization')];
  return !login.some((value) => /^\s*(ntlm|negotiate)\b/i.test(value));
}
