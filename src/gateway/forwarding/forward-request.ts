import type { MinorVersion, RequestPlan, ResponsePlan } from '../../protocol/http-message.ts';
import type { Socket } from '../../transport/socket.ts';
import type { ExitExchange } from './exit-exchange.ts';
import type { ExitLink } from './exit-link.ts';
import type { RequestContent } from './request-content.ts';

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

/** A request to forward and the client it came from. */
export interface ForwardRequest {
  readonly plan: RequestPlan;
  readonly content: RequestContent;
  readonly client: ForwardClient;
}

/** What becomes of the client's connection: the next request may be read from it, it must be closed, or it is gone. */
export type Aftermath = 'keep' | 'close' | 'gone';

/** A response head that has come, on the link it came over. */
export interface Answer {
  readonly link: ExitLink;
  readonly exchange: ExitExchange;
  readonly response: ResponsePlan;
  /** Whether its request could have gone over a kept link. */
  readonly trustsKept: boolean;
}
