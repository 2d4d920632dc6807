import { Buffer } from 'node:buffer';
import { Deadline } from '../gateway/deadline.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { answerInternal, isHidden, REPORT_BYTES } from '../gateway/internal/internal-host.ts';
import { ownLabelsOf } from '../gateway/limits/limit-lines.ts';
import type { Fields } from '../protocol/fields.ts';
import { RequestHeadDecoder } from '../protocol/http-head.ts';
import type { RequestHead, RequestPlan } from '../protocol/http-message.ts';
import { planRequest } from '../protocol/http-request.ts';
import { type ConnectionEvents, HttpConnection } from '../transport/http-connection.ts';
import type { Socket } from '../transport/socket.ts';
import type { Served } from './accept.ts';
import type { ListenerContext } from './context.ts';
import { lingerAndClose } from './linger.ts';
import { localReply } from './local-reply.ts';

/** A client that asked for a tunnel to the gateway's own host. */
export interface InternalAsker {
  readonly socket: Socket;
  readonly early: Buffer;
  /** Told who serves it from here on. */
  readonly onServed: (by: Served) => void;
}

/** Serves the gateway's own host to such a client, by the credential of its tunnel, until it closes, its exchange is stopped, or the
 *  gateway drains. What a page sent, or what is no request, ends it without a word. Never rejects. */
export function serveInternalHost(
  context: ListenerContext,
  exchange: Exchange,
  { socket, early, onServed }: InternalAsker,
): Promise<void> {
  return new Promise((resolve) => {
    const client = new InternalClient(context, { exchange, socket, done: resolve });
    onServed(client);
    client.start(early);
  });
}

class InternalClient implements ConnectionEvents<RequestHead>, Served {
  readonly #context: ListenerContext;
  readonly #exchange: Exchange;
  readonly #socket: Socket;
  readonly #done: () => void;
  readonly #connection: HttpConnection<RequestHead>;
  readonly #patience: Deadline;
  /** The content of the request under way, once it is asked for. */
  #content: SmallContent | null = null;
  #answers = false;
  #inHead = false;
  /** No request is read behind the one under way: the listener is leaving. */
  #leaving = false;
  /** The client has sent its FIN: it reads the answer under way, and asks no more. */
  #asksNoMore = false;

  constructor(context: ListenerContext, options: { exchange: Exchange; socket: Socket; done: () => void }) {
    this.#context = context;
    this.#exchange = options.exchange;
    this.#socket = options.socket;
    this.#done = options.done;
    const decoder = new RequestHeadDecoder(context.heads);
    this.#connection = new HttpConnection<RequestHead>(options.socket, { decoder, role: 'request', events: this });
    this.#patience = new Deadline(() => this.#socket.destroy());
  }

  start(early: Buffer): void {
    this.#exchange.abort.addEventListener('abort', () => void this.#socket.destroy());
    this.#patience.set(this.#context.timeouts.head);
    this.#connection.feed(early);
    this.#connection.readHead();
  }

  /** See Served. */
  closeIfIdle(): void {
    this.#leaving = true;
    if (!this.#answers && !this.#inHead) this.#close();
  }

  headBegun(): void {
    this.#inHead = true;
  }

  head(head: RequestHead): void {
    this.#inHead = false;
    const planned = planRequest(head);
    if (!planned.ok || planned.value.form !== 'origin' || isHidden(planned.value)) {
      this.#socket.destroy();
      return;
    }
    void this.#answer(planned.value);
  }

  content(chunk: Buffer): void {
    this.#content?.take(chunk);
  }

  contentEnd(_trailers: Fields): void {
    this.#content?.finish();
  }

  async #answer(plan: RequestPlan): Promise<void> {
    this.#answers = true;
    const content = new SmallContent();
    const isEmpty = plan.framing.type === 'none';
    const read = (): Promise<Buffer | null> => {
      this.#content = content;
      if (isEmpty) content.finish();
      else this.#readContent(plan);
      return content.whole;
    };
    const request = { method: plan.method, path: plan.path, content: read };
    const reply = await answerInternal(this.#context.gateway, this.#exchange, request);
    this.#content = null;
    this.#answers = false;
    if (this.#socket.destroyed) return;
    const { gateway } = this.#context;
    const isLast = this.#asksNoMore || this.#leaving || gateway.draining();
    const keepAlive = plan.keepAlive && !isLast && (isEmpty || content.isWhole);
    this.#socket.write(localReply(ownLabelsOf(gateway, this.#exchange), { reply, plan, keepAlive }));
    if (!keepAlive) return this.#close();
    this.#patience.set(this.#context.timeouts.keepAlive);
    // Answers that the client doesn't read would wait in memory, one for each request it sends.
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', () => this.#connection.readHead());
    else this.#connection.readHead();
  }

  #readContent({ expectsContinue, framing }: RequestPlan): void {
    this.#patience.set(this.#context.timeouts.head);
    if (expectsContinue) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    this.#connection.readContent(framing);
  }

  /** Ends the connection after what was written. */
  #close(): void {
    this.#connection.detach();
    this.#patience.clear();
    this.#socket.once('close', this.#done);
    lingerAndClose(this.#socket);
  }

  fault(): void {
    this.#socket.destroy();
  }

  ended(): void {
    this.#asksNoMore = true;
    this.#content?.abandon();
    if (!this.#answers) this.#socket.end();
  }

  closed(): void {
    this.#patience.clear();
    this.#content?.abandon();
    this.#done();
  }
}

/** Content that is kept whole, up to REPORT_BYTES. */
class SmallContent {
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #resolve: (content: Buffer | null) => void = () => {};
  /** All of it; null where it is too long, or the client left. */
  readonly whole = new Promise<Buffer | null>((resolve) => {
    this.#resolve = resolve;
  });
  isWhole = false;

  take(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > REPORT_BYTES) this.abandon();
    else this.#chunks.push(Buffer.from(chunk));
  }

  finish(): void {
    this.isWhole = this.#size <= REPORT_BYTES;
    this.#resolve(this.isWhole ? Buffer.concat(this.#chunks) : null);
  }

  abandon(): void {
    this.#resolve(null);
  }
}
