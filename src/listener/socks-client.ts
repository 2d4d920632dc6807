import { asGatewayError, GatewayError } from '../errors.ts';
import { authenticate, type Identity } from '../gateway/admission.ts';
import { Deadline } from '../gateway/deadline.ts';
import { ClientLeft, type Exchange } from '../gateway/exchange.ts';
import { isInternal } from '../gateway/internal/internal-host.ts';
import { admit, serveExchange, serveTunnel } from '../gateway/serve.ts';
import type { ReceivedCredential } from '../protocol/credentials.ts';
import type { Decoded } from '../protocol/decoded.ts';
import { socks5RepOf } from '../protocol/error-reply.ts';
import {
  connectCommand,
  GreetingDecoder,
  methodReply,
  noAcceptableMethods,
  noAuthentication,
  PasswordDecoder,
  passwordReply,
  type SocksRequest,
  SocksRequestDecoder,
  socksReply,
  succeeded,
  usernamePassword,
} from '../protocol/socks5.ts';
import { Pieces } from '../transport/pieces.ts';
import type { Socket } from '../transport/socket.ts';
import type { Served } from './accept.ts';
import type { Arrival, ListenerContext } from './context.ts';
import { serveInternalHost } from './internal-client.ts';
import { lingerAndClose } from './linger.ts';

/** Octets that a client may send behind its request before success is told. */
const EARLY_BYTES = 64 * 1024;

/** What a login came to: who it is, though with a bad parameter, which must not look like a wrong secret (RFC 1929 has no room for
 *  reasons); or the failure. */
type Login = { readonly identity: Identity } | { readonly failure: GatewayError };

/** One SOCKS5 client: greeting, login (RFC 1929), request (RFC 1928), and after the dial the true reply. */
export class SocksClient {
  readonly #socket: Socket;
  readonly #context: ListenerContext;
  readonly #refusal: GatewayError | null;
  readonly #onProved: (() => void) | null;
  readonly #patience: Deadline;
  /** What reads the octets now. */
  #step: (octets: Buffer) => void = () => {};
  readonly #early = new Pieces();
  #exchange: Exchange | null = null;
  /** Who serves the gateway's own host to it, in a tunnel. */
  #inside: Served | null = null;
  #over = false;

  constructor(socket: Socket, context: ListenerContext, { refusal, onProved }: Arrival) {
    this.#socket = socket;
    this.#context = context;
    this.#refusal = refusal;
    this.#onProved = onProved;
    this.#patience = new Deadline(() => this.#lostPatience());
  }

  /** Begins to serve; `first` is what was read of the connection so far. */
  start(first: Buffer): void {
    this.#patience.set(this.#context.timeouts.handshake);
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.on('error', () => {});
    this.#socket.on('close', this.#onClose);
    this.#expect(new GreetingDecoder(), (methods) => this.#greeted(methods));
    this.#onData(first);
    this.#socket.resume();
  }

  /** SOCKS has no connection at rest, but for one inside: a client is always midway. */
  closeIfIdle(): void {
    this.#inside?.closeIfIdle();
  }

  readonly #onData = (octets: Buffer): void => {
    if (octets.length > 0) this.#step(octets);
  };

  /** A client may end its sending side early; before its request has come that is its end. */
  readonly #onEnd = (): void => {
    if (this.#exchange === null) this.#socket.destroy();
    else this.#exchange.clientEnded();
  };

  readonly #onClose = (): void => {
    this.#over = true;
    this.#patience.clear();
    this.#exchange?.stop(new ClientLeft());
  };

  /** Feeds `decoder` until it has its value, and then whatever comes behind it to the step that `take` chose. */
  #expect<T>(decoder: { push(octets: Buffer): Decoded<T> }, take: (value: T) => void): void {
    this.#step = (octets) => {
      const result = decoder.push(octets);
      if (result.state === 'more') return;
      if (result.state === 'error') return this.#notSocks(result.fault.kind === 'auth_failed');
      this.#step = this.#keepEarly;
      take(result.value);
      if (!this.#over && result.rest.length > 0) this.#step(result.rest);
    };
  }

  readonly #keepEarly = (octets: Buffer): void => {
    this.#early.push(octets);
    if (this.#early.octets > EARLY_BYTES) this.#socket.pause();
  };

  /** Method 2 whenever it is offered, wherever in the list: a client that lists 0 first still has parameters to tell. */
  #greeted(methods: readonly number[]): void {
    if (methods.includes(usernamePassword)) {
      this.#socket.write(methodReply(usernamePassword));
      this.#expect(new PasswordDecoder(), (credential) => this.#loggedIn(credential));
      return;
    }
    const login = methods.includes(noAuthentication) ? this.#login(null) : null;
    if (login === null || this.#endsNow(login)) {
      this.#bookRefusal(
        login?.failure ?? new GatewayError('auth_required', { detail: 'the client offers no method we know' }),
      );
      this.#end(methodReply(noAcceptableMethods));
      return;
    }
    this.#socket.write(methodReply(noAuthentication));
    this.#expectRequest(login);
  }

  #loggedIn(credential: ReceivedCredential): void {
    const login = this.#login(credential);
    if (this.#endsNow(login)) {
      this.#bookRefusal(login.failure);
      this.#end(passwordReply(false));
      return;
    }
    if ('identity' in login) this.#onProved?.();
    this.#socket.write(passwordReply(true));
    this.#expectRequest(login);
  }

  /** A failed login ends here; what else forbids the exchange can only be told in answer to its request. */
  #endsNow(login: Login): login is { readonly failure: GatewayError } {
    return 'failure' in login && login.failure !== this.#refusal;
  }

  #login(credential: ReceivedCredential | null): Login {
    if (this.#refusal !== null) return { failure: this.#refusal };
    const { gateway, name, boundClient, dialects } = this.#context;
    const source = this.#socket.remoteAddress ?? '';
    const evidence = credential === null ? null : `socks5 ${credential.username}\n${credential.password}`;
    try {
      return {
        identity: authenticate(gateway, {
          evidence,
          credential: () => credential ?? { username: '', password: '', alternatives: [] },
          source,
          listener: name,
          boundClient,
          dialects,
        }),
      };
    } catch (fault) {
      if (fault instanceof GatewayError) return { failure: fault };
      throw fault;
    }
  }

  #expectRequest(login: Login): void {
    this.#expect(new SocksRequestDecoder(), (request) => {
      this.#patience.clear();
      // What stands behind the request in the same octets is kept first: the gateway's own host is served at once.
      queueMicrotask(() => void this.#serve(login, request));
    });
  }

  async #serve(login: Login, request: SocksRequest): Promise<void> {
    await serveExchange<void>(this.#context.gateway, this.#opening(), {
      line: (exchange) => {
        this.#exchange = exchange;
        return this.#tunnel(exchange, { login, request });
      },
      refuse: (_exchange, fault) => this.#refuse(fault),
    });
  }

  async #tunnel(exchange: Exchange, asked: { login: Login; request: SocksRequest }): Promise<void> {
    const { login, request } = asked;
    const { gateway } = this.#context;
    const { target } = request;
    if (!(target instanceof GatewayError)) exchange.authority = target;
    if ('failure' in login) throw login.failure;
    // A client that is known by its address has shown nothing before.
    this.#onProved?.();
    if (request.command !== connectCommand) {
      throw new GatewayError('not_supported', { detail: 'only CONNECT is supported, neither BIND nor UDP ASSOCIATE' });
    }
    if (target instanceof GatewayError) throw target;
    admit(gateway, exchange, { identity: login.identity, authority: target, internal: isInternal(target) });
    await serveTunnel(gateway, exchange, {
      confirm: () => {
        return { socket: this.#socket, early: this.#detach(), reply: socksReply(succeeded) };
      },
      serveInternal: (client) =>
        serveInternalHost(this.#context, exchange, { ...client, onServed: (by) => (this.#inside = by) }),
    });
  }

  #refuse(fault: unknown): void {
    if (this.#over || fault instanceof ClientLeft) {
      this.#socket.destroy();
      return;
    }
    this.#end(socksReply(socks5RepOf(asGatewayError(fault))));
  }

  /** Octets that are no SOCKS5: nothing can be said in its words, but to a login that its password is wrong. */
  #notSocks(login: boolean): void {
    this.#bookRefusal(new GatewayError('bad_request', { detail: 'not SOCKS5' }));
    if (login) this.#end(passwordReply(false));
    else this.#socket.destroy();
  }

  /** RFC 1928 has no words for a client that is too slow: its connection just ends. */
  #lostPatience(): void {
    this.#bookRefusal(new GatewayError('client_timeout', { detail: 'the SOCKS5 handshake did not come in time' }));
    this.#socket.destroy();
  }

  /** Books a client that never came as far as a request. */
  #bookRefusal(failure: GatewayError): void {
    void serveExchange<void>(this.#context.gateway, this.#opening(), {
      line: () => Promise.reject(failure),
      refuse: () => {},
    });
  }

  #opening() {
    const source = this.#socket.remoteAddress ?? '';
    return { mode: 'socks5', method: 'SOCKS5', listener: this.#context.name, source } as const;
  }

  #end(reply: Buffer): void {
    this.#over = true;
    this.#patience.clear();
    this.#socket.write(reply);
    this.#detach();
    lingerAndClose(this.#socket);
  }

  /** Takes our listeners off, but for the one that keeps a late error harmless. */
  #detach(): Buffer {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onClose);
    this.#socket.pause();
    return this.#early.shiftAll();
  }
}
