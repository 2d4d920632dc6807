import type { ExecutionContext } from 'ava';
import { catalogue, type ErrorKind } from '../../src/errors.ts';
import type { AccessLine, Gateway } from '../support/gateway.ts';
import { closing, promised, waits } from './error-catalogue.ts';
import type { HttpReply, SocksReply } from './error-clients.ts';
import { exitSecret } from './error-peers.ts';
import type { Expected } from './error-scene.ts';

/** What is promised of a kind, with what a scene expects otherwise. */
export type Facts = ReturnType<typeof factsOf>;

export function factsOf(kind: ErrorKind, expected: Expected = {}) {
  const [rowStatus, rowProxyStatus, rowSocks5, rowBy] = promised[kind];
  const { status = rowStatus, proxyStatus = rowProxyStatus, by = rowBy, receivedStatus } = expected;
  const { closes = closing.has(kind), logged = true, socks5 = rowSocks5 } = expected;
  const { attempts = by === 'exit' || by === 'origin' ? 1 : 0 } = expected;
  return { kind, status, proxyStatus, by, receivedStatus, attempts, socks5, closes, logged };
}

/** Holds a reply against every cell of its row: status line, Proxy-Status, Roundabout-Error, content, and what becomes of the
 *  connection. */
export function checkHttp(t: ExecutionContext, facts: Facts, reply: HttpReply): void {
  const { kind, by, attempts, status } = facts;
  const { retryable } = catalogue[kind];
  const { fields } = reply;
  t.is(`${reply.status} ${reply.reason}`, `${status} ${kind}`, reply.text);
  t.is(reply.afterwards, facts.closes ? 'closed' : 'kept');
  t.is(fields.get('roundabout-error'), `${kind}; by=${by}; attempts=${attempts}`);
  const [, error, , received, quoted = '""'] =
    /^roundabout; error=(\w+)(; received-status=(\d{3}))?; details=(".*")$/.exec(fields.get('proxy-status') ?? '') ??
    [];
  t.is(error, facts.proxyStatus);
  t.is(received, facts.receivedStatus?.toString());
  t.is(fields.get('content-type'), 'application/problem+json');
  const { detail, ...problem } = JSON.parse(reply.content);
  const type = `urn:roundabout:error:${kind}`;
  const request_id = fields.get('roundabout-request-id');
  t.deepEqual(problem, { type, title: kind, status, by, retryable, attempts, request_id });
  t.is(detail, JSON.parse(quoted));
  t.is(fields.has('roundabout-exit'), attempts > 0);
  t.is(fields.get('proxy-authenticate'), status === 407 ? 'Basic realm="roundabout", charset="UTF-8"' : undefined);
  checkWaiting(t, facts, fields);
  t.false(reply.text.includes(exitSecret) || reply.text.includes('127.0.0.1'), reply.text);
}

/** When to come back: in whole seconds, and for a limit in RateLimit too. */
function checkWaiting(t: ExecutionContext, { kind, status }: Facts, fields: HttpReply['fields']): void {
  const waiting = fields.get('retry-after');
  t.regex(waiting ?? 'none', waits.has(status) ? /^[1-9]\d*$/ : /^none$/);
  t.is(fields.get('ratelimit'), status === 429 ? `"${kind}";r=0;t=${waiting}` : undefined);
}

/** Holds what a SOCKS5 client was told against its row: a whole reply with the REP octet, or what RFC 1928 §3 and RFC 1929 have
 *  in place of one. */
export function checkSocks(t: ExecutionContext, { socks5 }: Facts, { to, octets }: SocksReply): void {
  if (socks5 === 'greeting') t.deepEqual({ to, octets: [...octets] }, { to: 'greeting', octets: [5, 0xff] });
  else if (socks5 === 'login') t.deepEqual({ to, octets: [...octets] }, { to: 'login', octets: [1, 1] });
  else if (socks5 === 'closed') t.deepEqual({ to, octets: [...octets] }, { to: 'request', octets: [] });
  else t.deepEqual({ to, octets: [...octets] }, { to: 'request', octets: [5, socks5, 0, 1, 0, 0, 0, 0, 0, 0] });
}

/** The first line of the access log that `wanted` picks. */
export async function findLine(gateway: Gateway, wanted: (line: AccessLine) => boolean): Promise<AccessLine> {
  for (let atLeast = 0; ; ) {
    const lines = await gateway.accessLog(atLeast);
    const line = lines.find(wanted);
    if (line !== undefined) return line;
    atLeast = lines.length + 1;
  }
}

/** Holds the exchange's line of the access log against its row. */
export function checkLine(t: ExecutionContext, { kind, by, status, attempts }: Facts, line: AccessLine): void {
  t.deepEqual(
    { kind: line['kind'], by: line['by'], status: line['status'] },
    { kind, by, status },
    JSON.stringify(line),
  );
  t.is((line['attempts'] as unknown[]).length, attempts);
}
