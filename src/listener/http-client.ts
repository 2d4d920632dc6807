import { asGatewayError, GatewayError } from '../errors.ts';
import { faultError } from '../gateway/admission.ts';
import { Deadline } from '../gateway/deadline.ts';
import { ClientLeft, type Exchange } from '../gateway/exchange.ts';
import { forward, hopsLeft } from '../gateway/forwarding/forward-exchange.ts';
import type { Aftermath } from '../gateway/forwarding/forward-request.ts';
import { RequestContent } from '../gateway/forwarding/request-content.ts';
import { isHidden, isInternal } from '../gateway/internal/internal-host.ts';
import { ownLabelsOf } from '../gateway/limits/limit-lines.ts';
import { admit, serveExchange, serveTunnel } from '../gateway/serve.ts';
import type { Fault } from '../protocol/decoded.ts';
import { connectReply } from '../protocol/error-reply.ts';
import type { Fields } from '../protocol/fields.ts';
import { RequestHeadDecoder } from '../protocol/http-head.ts';
import type { RequestHead, RequestPlan } from '../protocol/http-message.ts';
import { planRequest } from '../protocol/http-request.ts';
import { type ConnectionEvents, HttpConnection } from '../transport/http-connection.ts';
import { ignoreError } from '../transport/ignore-error.ts';
import type { Socket } from '../transport/socket.ts';
import type { Served } from './accept.ts';
import type { Arrival, ListenerContext } from './context.ts';
import { refusalOf, refuseHead } from './http-refusal.ts';
import { serveInternalHost } from './internal-client.ts';
import { ConnectionLogin } from './introduction.ts';
import { lingerAndClose } from './linger.ts';
import { answerAsHost, answerOptions } from './own-answer.ts';

const TRACE = 'TRACE';

/** One client's HTTP/1.1 connection: reads requests one after the other, has each served by its own credential, and answers
 *  in order. */
export class HttpClient implements ConnectionEvents<RequestHead> {
  readonly #socket: Socket;
  readonly #context: ListenerContext;
  readonly #refusal: GatewayError | null;
  readonly #connection: HttpConnection<RequestHead>;
  readonly #source: string;
  readonly #login: ConnectionLogin;
  readonly #patience = new Deadline(() => this.#lostPatience());
  readonly #lifetime = new Deadline(() => this.#exchange?.expire());
  #content: RequestContent | null = null;
  /** The exchange under way: at most one, since answers leave in the order of their requests. */
  #exchange: Exchange | null = null;
  #inHead = true;
  /** Since when the exchange before is over, and whatever comes is read; 0 while there was none. */
  #readsFrom = 0;
  /** Who serves the gateway's own host to it, in a tunnel. */
  #inside: Served | null = null;
  /** Nothing more is read behind the exchange under way: the listener is leaving. */
  #leaving = false;
  #gone = false;

  constructor(socket: Socket, context: ListenerContext, { refusal, onProved }: Arrival) {
    this.#socket = socket;
    this.#context = context;
    this.#refusal = refusal;
    this.#source = socket.remoteAddress ?? '';
    this.#login = new ConnectionLogin(context, this.#source, onProved);
    this.#connection = new HttpConnection<RequestHead>(socket, {
      decoder: new RequestHeadDecoder(context.heads),
      role: 'request',
      events: this,
    });
  }

  /** Begins to serve; `first` is what was read of the connection so far. */
  start(first: Buffer): void {
    this.#connection.feed(first);
    this.#connection.readHead();
    // Most heads have come whole, and need no deadline.
    if (this.#connection.awaitsHead) this.#patience.set(this.#context.timeouts.head);
  }

  /** Goes on with a connection that rests between two requests. */
  goOn(): void {
    this.#next();
  }

  headBegun(): void {
    this.#inHead = true;
    this.#patience.set(this.#context.timeouts.head);
  }

  head(head: RequestHead): void {
    this.#patience.rest();
    this.#inHead = false;
    const planned = planRequest(head, this.#context.readAuthority);
    if (!planned.ok) return this.#refuseHead(faultError(planned.fault), head.method);
    void this.#serve(planned.value);
  }

  content(chunk: Buffer): void {
    this.#content?.take(chunk);
  }

  contentEnd(trailers: Fields): void {
    this.#content?.finish(trailers);
  }

  fault(fault: Fault, phase: 'head' | 'content'): void {
    if (phase === 'content') this.#content?.fail(fault);
    else this.#refuseHead(faultError(fault), 'GET');
  }

  ended(midway: boolean): void {
    if (this.#exchange === null) return this.#close();
    this.#exchange.clientEnded();
    if (midway) this.#content?.fail({ kind: 'bad_request', detail: 'the request ended before its content did' });
  }

  closed(): void {
    this.#gone = true;
    this.#patience.clear();
    this.#lifetime.clear();
    this.#exchange?.stop(new ClientLeft());
  }

  async #serve(plan: RequestPlan): Promise<void> {
    const { gateway, name } = this.#context;
    const keepBytes = gateway.settings().keptContentBytes;
    const content = new RequestContent(this.#connection, {
      framing: plan.framing,
      keepBytes,
      onFault: this.#contentFailed,
    });
    this.#content = content;
    const aftermath = await serveExchange<Aftermath>(
      gateway,
      {
        mode: plan.form === 'authority' ? 'connect' : 'forward',
        method: plan.method,
        listener: name,
        source: this.#source,
        lifetime: this.#lifetime,
      },
      {
        line: (exchange) => {
          this.#exchange = exchange;
          exchange.authority = plan.authority;
          exchange.path = plan.path;
          const refusal = this.#refusal ?? gateway.overload(this.#socket, this.#readsFrom);
          if (refusal !== null) throw refusal;
          return plan.form === 'authority' ? this.#tunnel(exchange, plan) : this.#forward(exchange, plan, content);
        },
        refuse: (exchange, fault) => this.#refuse(exchange, { fault, plan, content }),
      },
    );
    const relayed = this.#exchange !== null && this.#exchange.relayed !== null;
    this.#exchange = null;
    // The tunnel has all that was the connection's.
    if (relayed) {
      this.#gone = true;
      return;
    }
    const keeps = aftermath === 'keep' && !this.#gone;
    if (keeps && (content.complete || (await this.#passContent(content)))) return this.#next();
    this.#lifetime.clear();
    if (!this.#gone && aftermath !== 'gone') this.#close();
  }

  readonly #contentFailed = (fault: Fault): void => this.#exchange?.stop(faultError(fault));

  /** Whether what is left of the request's content can be read within a bound. */
  async #passContent(content: RequestContent): Promise<boolean> {
    this.#patience.set(this.#context.timeouts.head);
    const passed = await content.discard();
    this.#patience.clear();
    return passed && !this.#gone;
  }

  #next(): void {
    this.#content = null;
    this.#inHead = false;
    this.#readsFrom = this.#context.gateway.now();
    if (this.#leaving || this.#context.gateway.draining()) return this.#close();
    if (this.#login.hasHeld && this.#isAtRest() && this.#context.moveOn(this.#socket)) {
      this.#gone = true;
      return;
    }
    this.#patience.set(this.#context.timeouts.keepAlive);
    // A client that sends requests but doesn't read the answers gets no more of them: each would wait in memory.
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', this.#readNext);
    else this.#readNext();
  }

  /** Nothing of it is here but what the system holds. */
  #isAtRest(): boolean {
    const { hasSurplus, peerEnded } = this.#connection;
    return !hasSurplus && !peerEnded && this.#socket.readableLength === 0 && this.#socket.writableLength === 0;
  }

  readonly #readNext = (): void => {
    if (!this.#gone) this.#connection.readHead();
  };

  #forward(exchange: Exchange, plan: RequestPlan, content: RequestContent): Promise<Aftermath> {
    const { gateway, replyFields, via } = this.#context;
    if (plan.form === 'origin' || plan.form === 'asterisk' || plan.authority === null) {
      throw new GatewayError('bad_request', {
        detail: 'this is a proxy: send the target in absolute form, or CONNECT',
      });
    }
    // The exit's answer to TRACE would show what we tell it of ourselves (RFC 9110 §9.3.8). Methods are told apart by their letters'
    // case, but proxies that are in wide use take `Trace` for the same.
    if (plan.method.length === TRACE.length && plan.method.toUpperCase() === TRACE)
      throw new GatewayError('not_supported', { detail: 'TRACE is not forwarded' });
    const identity = this.#login.of(plan.fields);
    const internal = isInternal(plan.authority) && !isHidden(plan);
    admit(gateway, exchange, { identity, authority: plan.authority, internal });
    const keepAlive = plan.keepAlive && plan.upgrade === '' && !this.#leaving && !gateway.draining();
    if (internal || hopsLeft(plan) === 0) {
      const answer = internal ? answerAsHost : answerOptions;
      return answer(this.#context, exchange, { socket: this.#socket, plan, content, keepAlive });
    }
    const client = {
      socket: this.#socket,
      minorVersion: plan.minorVersion,
      keepAlive,
      replyFields: (identity.client.replyFields ?? (replyFields ? 'on' : 'off')) === 'on',
      via,
      detach: () => this.#detach(),
    };
    return forward(gateway, exchange, { plan, content, client });
  }

  async #tunnel(exchange: Exchange, plan: RequestPlan): Promise<Aftermath> {
    const { gateway } = this.#context;
    if (plan.authority === null) throw new GatewayError('bad_request', { detail: 'CONNECT needs host:port' });
    const identity = this.#login.ofLast(plan.fields);
    admit(gateway, exchange, { identity, authority: plan.authority, internal: isInternal(plan.authority) });
    await serveTunnel(gateway, exchange, {
      confirm: () => {
        const early = this.#detach();
        return { socket: this.#socket, early, reply: connectReply(ownLabelsOf(gateway, exchange)) };
      },
      serveInternal: (client) =>
        serveInternalHost(this.#context, exchange, { ...client, onServed: (by) => (this.#inside = by) }),
    });
    return 'gone';
  }

  /** Answers a failed exchange where that is still possible. */
  #refuse(exchange: Exchange, refused: { fault: unknown; plan: RequestPlan; content: RequestContent }): Aftermath {
    const { fault, plan, content } = refused;
    exchange.clientBytes = content.bytes;
    if (this.#gone || fault instanceof ClientLeft) {
      this.#socket.destroy();
      return 'gone';
    }
    const error = asGatewayError(fault);
    // Behind a refused CONNECT or Upgrade come octets of another protocol, which must not be taken for a request.
    const switches = plan.form === 'authority' || plan.upgrade !== '';
    const doubtful = (switches && this.#connection.hasSurplus) || !content.passable(plan.expectsContinue);
    const reply = refusalOf(this.#context.gateway, exchange, { error, plan, doubtful });
    this.#socket.write(reply.octets);
    return reply.closes ? 'close' : 'keep';
  }

  /** Answers what is no request. Nothing behind it can be trusted, so the connection ends. It is booked like any exchange. */
  #refuseHead(error: GatewayError, method: string): void {
    this.#patience.clear();
    refuseHead(this.#context, {
      error,
      method,
      source: this.#source,
      answer: (octets) => {
        this.#socket.write(octets);
        this.#close();
      },
    });
  }

  #lostPatience(): void {
    // Between requests silence is no fault; and a slow discard has had its answer.
    if (!this.#inHead || this.#content !== null) return this.#close();
    this.#refuseHead(new GatewayError('client_timeout', { detail: 'the request head did not come in time' }), 'GET');
  }

  #detach(): Buffer {
    this.#patience.clear();
    this.#socket.on('error', ignoreError);
    return this.#connection.detach();
  }

  /** Ends the connection after what was written. */
  #close(): void {
    this.#gone = true;
    this.#lifetime.clear();
    this.#detach();
    lingerAndClose(this.#socket);
  }

  /** Ends an idle connection at once, and any other behind its exchange: the listener is leaving. */
  closeIfIdle(): void {
    this.#leaving = true;
    this.#inside?.closeIfIdle();
    if (this.#exchange === null && !this.#inHead && !this.#gone) this.#close();
  }
}
