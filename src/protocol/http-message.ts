import type { Authority } from './authority.ts';
import type { Fields } from './fields.ts';

/** HTTP/1.0 or HTTP/1.1, as the minor version. */
export type MinorVersion = 0 | 1;

/** A request head as decoded: syntax is checked, meaning is not yet. */
export interface RequestHead {
  readonly method: string;
  /** The request target as received (RFC 9112 §3.2), visible ASCII only. */
  readonly target: string;
  readonly minorVersion: MinorVersion;
  readonly fields: Fields;
}

/** A response head as decoded. */
export interface ResponseHead {
  readonly minorVersion: MinorVersion;
  readonly status: number;
  /** Empty where the origin sent none. */
  readonly reason: string;
  readonly fields: Fields;
}

/** How a message's content is delimited (RFC 9112 §6.3). `length` 0 and `none` differ: `none` has no framing field to send on. */
export type Framing =
  | { readonly type: 'none' }
  | { readonly type: 'length'; readonly octets: number }
  | { readonly type: 'chunked' }
  /** Until the connection closes: responses only. */
  | { readonly type: 'close' };

/** What a request asks for, after every check of RFC 9110 and 9112 that needs no configuration. */
export interface RequestPlan {
  readonly method: string;
  /** `absolute`: forward; `authority`: CONNECT; `origin`: addressed to the gateway itself; `asterisk`: OPTIONS *. */
  readonly form: 'absolute' | 'authority' | 'origin' | 'asterisk';
  /** Of the target (absolute, authority) or of Host (origin, asterisk; null where an HTTP/1.0 request has none). */
  readonly authority: Authority | null;
  /** Path and query to send to the origin: begins with `/`, or is `*`. Empty for CONNECT. */
  readonly path: string;
  readonly minorVersion: MinorVersion;
  readonly fields: Fields;
  readonly framing: Framing;
  /** Whether the client wants this connection kept after the response. */
  readonly keepAlive: boolean;
  /** `Expect: 100-continue` from an HTTP/1.1 client. */
  readonly expectsContinue: boolean;
  /** The Upgrade field's value where Connection nominates it and the request is HTTP/1.1; otherwise empty. */
  readonly upgrade: string;
}

/** How a response is to be read and relayed. */
export interface ResponsePlan {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: MinorVersion;
  readonly fields: Fields;
  readonly framing: Framing;
  /** Whether the sender lets the connection be used again after this response. */
  readonly keepAlive: boolean;
}

/** Greatest sizes of a head. */
export interface HeadLimits {
  /** All octets of a head, its end included. Default 65,536. */
  readonly headBytes: number;
  /** The start line, without CRLF. Default 16,384. */
  readonly startLineBytes: number;
  /** One field line, without CRLF. Default 32,768. */
  readonly fieldLineBytes: number;
  /** Default 200. */
  readonly fieldCount: number;
}
