import { GatewayError } from '../../errors.ts';
import { labelFields } from '../../protocol/error-reply.ts';
import type { Fields } from '../../protocol/fields.ts';
import type { Framing, ResponsePlan } from '../../protocol/http-message.ts';
import { serialiseResponse } from '../../protocol/http-serialise.ts';
import { endContent, writeContent, writeHeadWith } from '../../transport/content-writer.ts';
import { resetSocket } from '../../transport/reset-socket.ts';
import { bookAsItRuns } from '../attempt-books.ts';
import type { Collaborators } from '../collaborators.ts';
import { Deadline } from '../deadline.ts';
import { ClientLeft, type Exchange, labelsOf } from '../exchange.ts';
import type { ContentFlow } from '../limits/content-flow.ts';
import type { ResponseSink } from './exit-exchange.ts';
import { leaveLink } from './exit-link.ts';
import type { Aftermath, Answer, ForwardClient, ForwardRequest } from './forward-request.ts';
import { type ResponseWatch, watchResponse } from './response-watch.ts';

/** Relays a final response: its head, then its content only as fast as the client takes it, never more of it in memory than
 *  the sockets' buffers. Content that stops before its end is cut off at the client as well, so that it can't look whole.
 *  Rejects with origin_bad_response where it is malformed from its first octets on and nothing was told yet. */
export function relayResponse(
  deps: Collaborators,
  exchange: Exchange,
  parts: { request: ForwardRequest; answer: Answer },
): Promise<Aftermath> {
  exchange.status = parts.answer.response.status;
  const { request, answer } = parts;
  return new Promise((resolve, reject) =>
    new ResponseRelay(deps, exchange, { request, answer, resolve, reject }).start(),
  );
}

interface RelayParts {
  readonly request: ForwardRequest;
  readonly answer: Answer;
  readonly resolve: (aftermath: Aftermath) => void;
  readonly reject: (failure: GatewayError) => void;
}

class ResponseRelay implements ResponseSink {
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #parts: RelayParts;
  readonly #framing: Framing;
  readonly #keepAlive: boolean;
  readonly #stallMs: number;
  /** Set while content is awaited, once the first read is done. Most responses are over by then and need none. */
  #stalled: Deadline | null = null;
  /** Until something of the response has been written. Head and first content leave in one write where they came in one read. */
  #head: string | null;
  #waitingForClient = false;
  /** Its client's bandwidth, and quotas unless it is over with the first read; and for how long nothing may pass, in ms. */
  #flow: ContentFlow | null;
  #waitMs = 0;
  #over = false;
  /** Where content is needed to tell what the site thinks of the exit. */
  readonly #watch: ResponseWatch | null;

  constructor(deps: Collaborators, exchange: Exchange, parts: RelayParts) {
    const { client, content, plan } = parts.request;
    const { response } = parts.answer;
    this.#deps = deps;
    this.#exchange = exchange;
    this.#parts = parts;
    this.#framing = framingFor(client, response);
    // Said beforehand: a client that sends on, or tries again, does so on another connection and reads this answer.
    this.#keepAlive = client.keepAlive && this.#framing.type !== 'close' && content.passable(plan.expectsContinue);
    this.#head = responseHead(exchange, { client, response, framing: this.#framing, keepAlive: this.#keepAlive });
    this.#watch = watchResponse(deps, exchange, response);
    this.#flow = deps.flows.paces(exchange) ? deps.flows.content(exchange, this.#onWait) : null;
    this.#stallMs = deps.settings().timeouts.stall;
  }

  /** Reads the content; it may be over before this returns. */
  start(): void {
    const { answer } = this.#parts;
    answer.link.connection.gate = this.#flow;
    answer.exchange.relayTo(answer.response, this);
    if (this.#over) return;
    this.#flow ??= this.#deps.flows.content(this.#exchange, this.#onWait);
    answer.link.connection.gate = this.#flow;
    this.#flow?.goOn();
    bookAsItRuns(this.#deps, this.#exchange);
    this.#sendHead();
    this.#stalled = new Deadline(() => {
      this.#exchange.by = this.#waitingForClient ? 'client' : 'origin';
      this.cut();
    });
    this.#progress();
  }

  content(chunk: Buffer): void {
    const { socket } = this.#parts.request.client;
    this.#exchange.originBytes += chunk.length;
    this.#waitMs = 0;
    this.#progress();
    this.#watch?.content(chunk);
    const flowing =
      this.#head === null
        ? writeContent(socket, this.#framing, chunk)
        : writeHeadWith(socket, this.#head, { framing: this.#framing, octets: chunk });
    this.#head = null;
    if (!flowing && !this.#waitingForClient) {
      this.#waitingForClient = true;
      socket.once('drain', this.#onDrain);
    }
    this.#flow?.passed(chunk.length);
    this.#settle();
  }

  end(trailers: Fields): void {
    const { request, answer } = this.#parts;
    this.#sendHead();
    endContent(request.client.socket, this.#framing, trailers);
    this.#exchange.ending = 'ok';
    const { link } = answer;
    const done = isDone(answer, request);
    const mayKeep = answer.trustsKept || !this.#deps.kept.has(link.key);
    const again = done && mayKeep && mayServeAgain(answer, request);
    this.#finish(this.#keepAlive ? 'keep' : 'close');
    if (done) leaveLink(this.#deps, this.#exchange, { link, again });
    else link.socket.destroy();
  }

  cut(): void {
    const { request, answer } = this.#parts;
    const { aborted, reason } = this.#exchange.abort;
    answer.link.socket.destroy();
    if (this.#head !== null && !aborted) {
      this.#head = null;
      const detail = 'the content of the response is malformed';
      this.#finish(new GatewayError('origin_bad_response', { detail }));
      return;
    }
    this.#exchange.ending ??= reason instanceof ClientLeft ? 'client_left' : 'cut';
    if (reason instanceof ClientLeft) this.#exchange.by ??= 'client';
    else this.#exchange.by ??= reason instanceof GatewayError ? reason.by : 'origin';
    this.#finish('gone');
    resetSocket(request.client.socket);
  }

  readonly #onDrain = (): void => {
    this.#waitingForClient = false;
    this.#progress();
    this.#settle();
  };

  readonly #onWait = (waitMs: number): void => {
    this.#waitMs = waitMs;
    this.#progress();
  };

  /** Reads on, unless the client has to be waited for. */
  #settle(): void {
    const { connection } = this.#parts.answer.link;
    if (this.#waitingForClient) connection.pause();
    else connection.resume();
  }

  #progress(): void {
    this.#stalled?.set(this.#stallMs + this.#waitMs);
  }

  #sendHead(): void {
    if (this.#head !== null) this.#parts.request.client.socket.write(this.#head, 'latin1');
    this.#head = null;
  }

  #finish(aftermath: Aftermath | GatewayError): void {
    const { request, answer, resolve, reject } = this.#parts;
    this.#over = true;
    this.#stalled?.clear();
    if (this.#waitingForClient) request.client.socket.off('drain', this.#onDrain);
    this.#watch?.end(aftermath === 'keep' || aftermath === 'close');
    this.#flow?.end();
    answer.exchange.release();
    answer.link.connection.gate = null;
    this.#exchange.clientBytes += request.content.bytes;
    if (aftermath instanceof GatewayError) reject(aftermath);
    else resolve(aftermath);
  }
}

function responseHead(
  exchange: Exchange,
  reply: { client: ForwardClient; response: ResponsePlan; framing: Framing; keepAlive: boolean },
): string {
  const { client, response, framing, keepAlive } = reply;
  const extra = client.replyFields ? labelFields(labelsOf(exchange)) : [];
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

/** Whether nothing is under way over the link any more, either way. */
function isDone({ link }: Answer, { content }: ForwardRequest): boolean {
  const { socket, connection } = link;
  // An origin that answered before it had read the request may never read the rest of it.
  return content.complete && !socket.destroyed && socket.writableLength === 0 && !connection.hasSurplus;
}

/** A link may serve again after a message that both sides ended cleanly. One that has begun a connection-bound login (NTLM,
 *  Negotiate) would carry it to whoever comes next. */
function mayServeAgain({ link, response }: Answer, { plan }: ForwardRequest): boolean {
  if (!response.keepAlive || link.connection.peerEnded) return false;
  return !bindsConnection(response.fields, 'www-authenticate') && !bindsConnection(plan.fields, 'authorization');
}

/** Whether the field `key` belongs to a login that holds for its connection. */
function bindsConnection(fields: Fields, key: string): boolean {
  return fields.has(key) && fields.all(key).some((value) => /^\s*(ntlm|negotiate)\b/i.test(value));
}
