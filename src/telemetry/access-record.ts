/** What the access log tells of an exchange at its end; see access-line.ts for how it is written. */

import type { By, ErrorKind } from '../errors.ts';

/** How an exchange or an attempt ended. `client_left`: there was nobody to tell anything. */
export type EndKind = 'ok' | 'client_left' | ErrorKind;

/** The phases of an exchange that take time: until it was admitted, until the exit had confirmed or the response head had come
 *  (all attempts), until the end. */
export type Phase = 'admit' | 'attempt' | 'relay';

/** One attempt: the exit's opaque id, how it ended, and how long it took in ms. */
export interface AttemptRecord {
  readonly exit: string;
  readonly kind: EndKind;
  readonly ms: number;
}

/** What is known of an exchange when it ends; null where it didn't get so far. No member may hold a credential, or a username as
 *  the client sent it. */
export interface AccessRecord {
  /** Wall clock, ms since the epoch. */
  readonly time: number;
  /** The request id, as in `Roundabout-Request-Id`. */
  readonly id: string;
  readonly listener: string;
  /** The address the client came from. */
  readonly source: string | null;
  /** Name of the authenticated client. */
  readonly client: string | null;
  readonly session: string | null;
  readonly tag: string | null;
  readonly pool: string | null;
  /** Opaque id of the exit that served. */
  readonly exit: string | null;
  /** `host:port` of the origin. */
  readonly authority: string | null;
  /** The HTTP method; `SOCKS5` for a SOCKS tunnel. */
  readonly method: string | null;
  /** Path and query; written only where the log's `paths` is on. */
  readonly path?: string | null;
  readonly kind: EndKind;
  /** Who is to blame; null where `kind` is ok. */
  readonly by: By | null;
  /** Of one that found no exit: why, in counts. Of one that was refused: what is wrong with it. Of one that was cut: which quota was
   *  used up. */
  readonly why?: string | null;
  /** The HTTP status the client was sent. */
  readonly status: number | null;
  /** Whether a message was cut after its head, which the client can only see by an unclean close. */
  readonly cut: boolean;
  /** From a tunnel's ClientHello to the first of the answer, in ms; null where that isn't known. */
  readonly originMs: number | null;
  /** What the site did with the exchange, and by which rule that was told; null where nothing is known. */
  readonly verdict: { readonly page: string; readonly rule: string | null } | null;
  /** Octets of content or tunnel. */
  readonly clientToOrigin: number;
  readonly originToClient: number;
  /** Octets to and from exits, of all attempts: handshakes and TLS records included. */
  readonly exitSent: number;
  readonly exitReceived: number;
  readonly attempts: readonly AttemptRecord[];
  /** Time spent in each phase that was entered, in ms. */
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
}
