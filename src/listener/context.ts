import type { SecureContext } from 'node:tls';
import type { GatewayError } from '../errors.ts';
import type { Collaborators } from '../gateway/collaborators.ts';
import type { Dialect } from '../protocol/dialects.ts';
import type { HeadLimits } from '../protocol/http-message.ts';
import type { AuthorityReader } from '../protocol/recent-authorities.ts';
import type { Socket } from '../transport/socket.ts';

/** What a listener speaks. */
export type ListenerProtocol = 'http' | 'https' | 'socks5';

/** Everything a client's connection needs to know of its listener and of the gateway behind it. */
export interface ListenerContext {
  readonly name: string;
  readonly protocols: ReadonlySet<ListenerProtocol>;
  /** The client as which requests without a credential are taken, from sources on its allow-list. */
  readonly boundClient: string | null;
  readonly dialects: readonly Dialect[];
  /** Whether our reply fields stand on forwarded responses. */
  readonly replyFields: boolean;
  /** Whether Via is added, both ways. */
  readonly via: boolean;
  readonly heads: HeadLimits;
  /** Reads the authorities that requests name. */
  readonly readAuthority: AuthorityReader;
  /** Durations in ms. */
  readonly timeouts: { readonly handshake: number; readonly head: number; readonly keepAlive: number };
  /** The certificate in use now; undefined on a listener without TLS. */
  readonly secureContext: () => SecureContext | undefined;
  /** Whether a connection that rests between two requests was given to another thread: then it is closed here, and open there. */
  readonly moveOn: (socket: Socket) => boolean;
  readonly gateway: Collaborators;
}

/** What is known of a connection before anything has come over it. */
export interface Arrival {
  /** With which every request is answered; null to serve them. */
  readonly refusal: GatewayError | null;
  /** To be told once its client has shown a login that holds; null where it has. */
  readonly onProved: (() => void) | null;
}
