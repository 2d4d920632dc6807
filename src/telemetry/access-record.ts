/** One line of the access log: what is told of an exchange at its end, and how it is written so that nothing a peer sent can
 *  pretend to be another line, another field, or a command to a terminal. */

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
  /** Of one that found no exit: why, in counts. Of one that was cut: which quota was used up. */
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

/** Longest text written of one member, in UTF-16 units; what was left off shows as an ellipsis. */
const longestText = 2_048;

/** Controls, format characters (bidirectional marks, zero width, tags) and the two line separators. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Whether a text stands in JSON as it is: visible ASCII and spaces, no quote, no backslash. */
function isPlain(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

const escaped = (character: string) =>
  character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A JSON string, bounded, every invisible character as an escape. Nearly all are plain, which is quick to see. */
function text(value: string | null): string {
  if (value === null) return 'null';
  const bounded = value.length > longestText ? `${value.slice(0, longestText)}…` : value;
  return isPlain(bounded) ? `"${bounded}"` : JSON.stringify(bounded).replace(invisible, escaped);
}

/** A duration to the microsecond. Of whole numbers, because to write a fraction takes five times as long. */
function rounded(ms: number): string {
  const us = Math.round(ms * 1_000);
  const rest = us % 1_000;
  const whole = (us - rest) / 1_000;
  if (rest === 0) return `${whole}`;
  return rest < 10 ? `${whole}.00${rest}` : rest < 100 ? `${whole}.0${rest}` : `${whole}.${rest}`;
}

function phases({ admit, attempt, relay }: AccessRecord['phasesMs']): string {
  let members = '';
  if (admit !== undefined) members = `"admit":${rounded(admit)}`;
  if (attempt !== undefined) members += `${members === '' ? '' : ','}"attempt":${rounded(attempt)}`;
  if (relay !== undefined) members += `${members === '' ? '' : ','}"relay":${rounded(relay)}`;
  return members;
}

function attemptsOf(records: readonly AttemptRecord[]): string {
  let members = '';
  for (const { exit, kind, ms } of records)
    members += `${members === '' ? '' : ','}{"exit":${text(exit)},"kind":${text(kind)},"ms":${rounded(ms)}}`;
  return members;
}

/** Writes ms since the epoch as in RFC 3339, remembering the last: busy gateways end many exchanges in one millisecond. */
export function isoClock(): (time: number) => string {
  let last = Number.NaN;
  let written = '';
  return (time) => {
    if (time !== last) written = new Date(time).toISOString();
    last = time;
    return written;
  };
}

/** The record as one JSON object on one line, newline included. Only the members named here are written, whatever else the
 *  record holds; texts are bounded; every invisible character stands as a JSON escape, so that parsing gives it back. Put
 *  together by hand: there is one for every exchange, and JSON.stringify takes three times as long. */
export function accessLine(record: AccessRecord, paths: boolean, isoTime = isoClock()): string {
  const { clientToOrigin, originToClient, cut, status, verdict, originMs } = record;
  const who = `"client":${text(record.client)},"session":${text(record.session)},"tag":${text(record.tag)}`;
  const way = `"pool":${text(record.pool)},"exit":${text(record.exit)},"authority":${text(record.authority)}`;
  const path = paths ? `,"path":${text(record.path ?? null)}` : '';
  const end = `"kind":${text(record.kind)},"by":${text(record.by)},"status":${status},"cut":${cut}`;
  const why = record.why == null ? '' : `,"why":${text(record.why)}`;
  const judged = verdict === null ? '' : `,"verdict":${text(verdict.page)},"rule":${text(verdict.rule)}`;
  const latency = originMs === null ? '' : `,"originMs":${rounded(originMs)}`;
  const { exitSent, exitReceived } = record;
  const exits = `"exitSent":${exitSent},"exitReceived":${exitReceived}`;
  const octets = `"clientToOrigin":${clientToOrigin},"originToClient":${originToClient},${exits}`;
  return (
    `{"time":"${isoTime(record.time)}","id":${text(record.id)},"listener":${text(record.listener)},` +
    `"source":${text(record.source)},${who},${way},"method":${text(record.method)}${path},${end}${why}${judged}${latency},${octets},` +
    `"attempts":[${attemptsOf(record.attempts)}],"phasesMs":{${phases(record.phasesMs)}}}\n`
  );
}
