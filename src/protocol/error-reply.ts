import { Buffer } from 'node:buffer';
import type { GatewayError } from '../errors.ts';
import type { MinorVersion } from './http-message.ts';
import { proxyStatusMember, quoted } from './proxy-status.ts';
import type { RateLimit } from './rate-limit-fields.ts';

/** What the fields of our own say about an exchange. */
export interface ReplyLabels {
  readonly requestId: string;
  /** Opaque id and country of the exit; undefined where none was chosen. */
  readonly exitLabel?: string;
  readonly sessionLabel?: string;
  /** Which soft quota is used up. */
  readonly quotaLabel?: string;
  /** What is left of the limits that it came under; for replies of our own making alone. Good until the next reply is made. */
  readonly limits?: RateLimit;
}

/** The request that an error reply answers. */
export interface ErrorReplyContext extends ReplyLabels {
  /** Attempts made, 0 where the error came before the first. */
  readonly attempts: number;
  readonly method: string;
  readonly minorVersion: MinorVersion;
  /** Whether the client's connection could be kept: the request asked for it, and nothing of it is left unread. */
  readonly keepAlive: boolean;
  /** How we are called in Proxy-Status. */
  readonly proxyName: string;
}

/** An error as it goes out over HTTP/1.1. */
export interface HttpErrorReply {
  /** Head and content. */
  readonly octets: Buffer;
  /** The connection must be closed behind it. */
  readonly closes: boolean;
}

type FieldLine = [name: string, value: string];

const LINE_END = Buffer.from('\r\n');

/** RFC 7617 §2.1. Chromium and curl choose the first challenge they know, so there is no other. */
const challenge = 'Basic realm="roundabout", charset="UTF-8"';

/** On replies of our own making with content: what a page may not read is a network error to it, be it refused, unknown or the
 *  gateway's own host. For a page can ask without Referer, and over http no Sec-Fetch-Site tells of it (Fetch,
 *  Cross-Origin-Resource-Policy; Fetch Metadata §2; RFC 7034). */
export const againstPages: readonly FieldLine[] = [
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['X-Frame-Options', 'DENY'],
];

/** The whole reply for `error`. The kind is the reason phrase, because that is the only detail most clients show; the same facts
 *  stand in Proxy-Status (RFC 9209), Roundabout-Error, and a problem+json body (RFC 9457), which a HEAD does not get. */
export function httpErrorReply(error: GatewayError, context: ErrorReplyContext): HttpErrorReply {
  const closes = error.closes || !context.keepAlive;
  const content = problem(error, context);
  const fields: FieldLine[] = [
    ...errorFields(error, context),
    ['Content-Type', 'application/problem+json'],
    ['Content-Length', String(content.length)],
    ['Cache-Control', 'no-store'],
    ...againstPages,
    ...connectionField(closes, context.minorVersion),
    ...ownFields(context),
  ];
  const head = headOf(`HTTP/1.1 ${error.status} ${error.kind}`, fields);
  const sent = context.method === 'HEAD' ? Buffer.alloc(0) : content;
  return { octets: Buffer.concat([Buffer.from(head, 'latin1'), sent]), closes };
}

/** The reply to a CONNECT whose tunnel stands: exactly 200, without content or framing (RFC 9110 §9.3.6), because Python, Scrapy
 *  and Go take no other 2xx. */
export function connectReply(labels: ReplyLabels): Buffer {
  const { limits } = labels;
  const lines = linesOf('HTTP/1.1 200 Connection established', labelFields(labels));
  if (limits === undefined) return Buffer.from(`${lines}\r\n`, 'latin1');
  // Limits are most of it, and octets already.
  const reply = Buffer.allocUnsafe(lines.length + limits.length + LINE_END.length);
  reply.set(LINE_END, limits.writeTo(reply, reply.write(lines, 'latin1')));
  return reply;
}

/** Our own fields, as they stand on every reply of ours and, unless switched off, on forwarded responses. */
export function labelFields({ requestId, exitLabel, sessionLabel, quotaLabel }: ReplyLabels): FieldLine[] {
  const fields: FieldLine[] = [['Roundabout-Request-Id', fieldText(requestId)]];
  if (exitLabel !== undefined) fields.push(['Roundabout-Exit', fieldText(exitLabel)]);
  if (sessionLabel !== undefined) fields.push(['Roundabout-Session', fieldText(sessionLabel)]);
  if (quotaLabel !== undefined) fields.push(['Roundabout-Quota', fieldText(quotaLabel)]);
  return fields;
}

/** The same, and what is left of the exchange's limits, as they stand on replies of our own making. */
export function ownFields(labels: ReplyLabels): FieldLine[] {
  const fields = labelFields(labels);
  const { limits } = labels;
  if (limits !== undefined) fields.push(['RateLimit-Policy', limits.policies], ['RateLimit', limits.rests]);
  return fields;
}

/** The REP octet that tells `error` to a SOCKS5 client (RFC 1928 §6): general failure where the catalogue has none. */
export function socks5RepOf(error: GatewayError): number {
  return error.socks5 ?? 0x01;
}

function errorFields(error: GatewayError, { proxyName, attempts, limits }: ErrorReplyContext): FieldLine[] {
  const fields: FieldLine[] = [
    ['Proxy-Status', proxyStatusMember(proxyName, error)],
    ['Roundabout-Error', `${error.kind}; by=${error.by}; attempts=${attempts}`],
  ];
  if (error.status === 407) fields.push(['Proxy-Authenticate', challenge]);
  if (error.retryAfterS === undefined) return fields;
  const seconds = Math.max(1, Math.ceil(error.retryAfterS));
  fields.push(['Retry-After', String(seconds)]);
  // A limit that isn't the client's, such as that of failed logins: see RateLimit.
  if (error.status === 429 && limits === undefined)
    fields.push(['RateLimit', `${quoted(error.kind)};r=0;t=${seconds}`]);
  return fields;
}

function problem(error: GatewayError, { attempts, requestId }: ErrorReplyContext): Buffer {
  const { kind, status, detail, by, retryable } = error;
  const members = { type: `urn:roundabout:error:${kind}`, title: kind, status, detail, by, retryable };
  return Buffer.from(`${JSON.stringify({ ...members, attempts, request_id: requestId })}\n`, 'utf8');
}

function connectionField(closes: boolean, minorVersion: MinorVersion): FieldLine[] {
  if (closes) return [['Connection', 'close']];
  return minorVersion === 0 ? [['Connection', 'keep-alive']] : [];
}

const headOf = (startLine: string, fields: readonly FieldLine[]): string => `${linesOf(startLine, fields)}\r\n`;

function linesOf(startLine: string, fields: readonly FieldLine[]): string {
  let lines = `${startLine}\r\n`;
  for (const [name, value] of fields) lines += `${name}: ${value}\r\n`;
  return lines;
}

/** A label comes from names that a client chose: nothing but visible ASCII and spaces reaches a field. */
function fieldText(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return text.replace(/[^\x20-\x7e]/g, '?');
  }
  return text;
}
