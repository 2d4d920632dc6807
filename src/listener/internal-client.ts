import type { Socket } from 'node:net';
import { Deadline } from '../gateway/deadline.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { answerInternal, isFromPage } from '../gateway/internal-host.ts';
import type { Fields } from '../protocol/fields.ts';
import { RequestHeadDecoder } from '../protocol/http-head.ts';
import type { RequestHead } from '../protocol/http-message.ts';
import { planRequest } from '../protocol/http-request.ts';
import { type ConnectionEvents, HttpConnection } from '../transport/http-connection.ts';
import type { ListenerContext } from './context.ts';
import { localReply } from './local-reply.ts';

/** Serves the gateway's own host to a client that asked for a tunnel to it, by the credential of that tunnel, until the client
 *  closes. What a page sent, or what is no request, ends it without a word. Never rejects. */
export function serveInternalHost(
  context: ListenerContext,
  exchange: Exchange,
  client: { socket: Socket; early: Buffer },
): Promise<void> {
  return new Promise((resolve) =>
    new InternalClient(context, { exchange, socket: client.socket, done: resolve }).start(client.early),
  );
}

class InternalClient implements ConnectionEvents<RequestHead> {
  readonly #context: ListenerContext;
  readonly #exchange: Exchange;
  readonly #socket: Socket;
  readonly #done: () => void;
  readonly #connection: HttpConnection<RequestHead>;
  readonly #patience: Deadline;

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
    this.#patience.set(this.#context.timeouts.head);
    this.#connection.feed(early);
    this.#connection.readHead();
  }

  headBegun(): void {}

  head(head: RequestHead): void {
    const planned = planRequest(head);
    if (!planned.ok || planned.value.form !== 'origin' || isFromPage(head.fields)) {
      this.#socket.destroy();
      return;
    }
    const plan = planned.value;
    const reply = answerInternal(this.#context.gateway, this.#exchange, plan);
    const keepAlive = plan.keepAlive && plan.framing.type === 'none';
    this.#socket.write(localReply(this.#exchange, { reply, plan, keepAlive }));
    if (!keepAlive) {
      this.#socket.end();
      return;
    }
    this.#patience.set(this.#context.timeouts.keepAlive);
    // Answers that the client doesn't read would wait in memory, one for each request it sends.
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', () => this.#connection.readHead());
    else this.#connection.readHead();
  }

  content(_chunk: Buffer): void {}

  contentEnd(_trailers: Fields): void {}

  fault(): void {
    this.#socket.destroy();
  }

  ended(): void {
    this.#socket.end();
  }

  closed(): void {
    this.#patience.clear();
    this.#done();
  }
}
