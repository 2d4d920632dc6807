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
  readonly attempts: readonly AttemptRecord[];
  /** Time spent in each phase that was entered, in ms. */
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
}

/** Longest text written of one member, in UTF-16 units; what was left off shows as an ellipsis. */
const longestText = 2_048;

/** Controls, format characters (bidirectional marks, zero width, tags) and the two line separators. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text that stands in JSON as it is. */
const plain = /^[ !#-[\]-~]*$/;

const escaped = (character: string) =>
  character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A JSON string, bounded, every invisible character as an escape. Nearly all are plain, which is quick to see. */
function text(value: string | null): string {
  if (value === null) return 'null';
  const bounded = value.length > longestText ? `${value.slice(0, longestText)}…` : value;
  return plain.test(bounded) ? `"${bounded}"` : JSON.stringify(bounded).replace(invisible, escaped);
}

const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000;

function phases(spent: AccessRecord['phasesMs']): string {
  const members = [];
  if (spent.admit !== undefined) members.push(`"admit":${rounded(spent.admit)}`);
  if (spent.attempt !== undefined) members.push(`"attempt":${rounded(spent.attempt)}`);
  if (spent.relay !== undefined) members.push(`"relay":${rounded(spent.relay)}`);
  return members.join(',');
}

/** The record as one JSON object on one line, newline included. Only the members named here are written, whatever else the
 *  record holds; texts are bounded; every invisible character stands as a JSON escape, so that parsing gives it back. Put
 *  together by hand: there is one for every exchange, and JSON.stringify takes three times as long. */
export function accessLine(record: AccessRecord, paths: boolean): string {
  const { clientToOrigin, originToClient, cut, status, verdict, originMs } = record;
  const who = `"client":${text(record.client)},"session":${text(record.session)},"tag":${text(record.tag)}`;
  const way = `"pool":${text(record.pool)},"exit":${text(record.exit)},"authority":${text(record.authority)}`;
  const path = paths ? `,"path":${text(record.path ?? null)}` : '';
  const end = `"kind":${text(record.kind)},"by":${text(record.by)},"status":${status},"cut":${cut}`;
  const judged = verdict === null ? '' : `,"verdict":${text(verdict.page)},"rule":${text(verdict.rule)}`;
  const latency = originMs === null ? '' : `,"originMs":${rounded(originMs)}`;
  const octets = `"clientToOrigin":${clientToOrigin},"originToClient":${originToClient}`;
  const attempts = record.attempts.map(
    ({ exit, kind, ms }) => `{"exit":${text(exit)},"kind":${text(kind)},"ms":${rounded(ms)}}`,
  );
  return (
    `{"time":"${new Date(record.time).toISOString()}","id":${text(record.id)},"listener":${text(record.listener)},` +
    `"source":${text(record.source)},${who},${way},"method":${text(record.method)}${path},${end}${judged}${latency},${octets},` +
    `"attempts":[${attempts.join(',')}],"phasesMs":{${phases(record.phasesMs)}}}\n`
  );
}
