import { type Authority, parseAuthority } from './authority.ts';
import { failed, type Parsed, parsed } from './decoded.ts';
import type { Fields } from './fields.ts';
import { requestFraming } from './http-framing.ts';
import type { MinorVersion, RequestHead, RequestPlan } from './http-message.ts';
import { parseTarget, type Target } from './http-target.ts';
import type { AuthorityReader } from './recent-authorities.ts';

/** Fields that every recipient relies on, so that Connection must not make them vanish on the way (RFC 9110 §7.6.1): those that
 *  frame, route or authorise, and the hop count. */
const neverNominated: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'trailer',
  'max-forwards',
  'authorization',
  'proxy-authorization',
  'cookie',
]);

/** Judges a request head by all of RFC 9110 and 9112 that needs no configuration. After a fault the connection must be closed,
 *  whatever its kind, for the content was not delimited. Faults: bad_request (417 for an unknown expectation); not_supported
 *  (501) for an unknown transfer coding. */
export function planRequest(head: RequestHead, read: AuthorityReader = parseAuthority): Parsed<RequestPlan> {
  const { method, minorVersion, fields } = head;
  const target = parseTarget(method, head.target, read);
  if (!target.ok) return target;
  const host = parseHostField(head, target.value);
  if (!host.ok) return host;
  const options = fields.tokens('connection');
  if (options.some((option) => neverNominated.has(option))) {
    return failed('bad_request', 'Connection nominates a field that frames, routes or authorises the request');
  }
  const framing = requestFraming(head);
  if (!framing.ok) return framing;
  const expectsContinue = minorVersion === 1 && fields.has('expect');
  if (expectsContinue && fields.all('expect').some((value) => value.toLowerCase() !== '100-continue')) {
    return failed('bad_request', 'the only expectation known is 100-continue', 417);
  }
  return parsed({
    method,
    form: target.value.form,
    authority: target.value.authority ?? host.value,
    path: target.value.path,
    minorVersion,
    fields,
    framing: framing.value,
    keepAlive: keepsAlive(minorVersion, fields, options),
    expectsContinue,
    upgrade: minorVersion === 1 && method !== 'CONNECT' && options.includes('upgrade') ? upgradeOf(fields) : '',
  });
}

/** Whether the sender of a message lets its connection be used again (RFC 9112 §9.3); `options` are the members of Connection.
 *  Proxy-Connection counts too: old clients send it in place of Connection. */
export function keepsAlive(minorVersion: MinorVersion, fields: Fields, options: readonly string[]): boolean {
  const proxyOptions = fields.tokens('proxy-connection');
  if (options.includes('close') || proxyOptions.includes('close')) return false;
  return minorVersion === 1 || options.includes('keep-alive') || proxyOptions.includes('keep-alive');
}

/** RFC 9112 §3.2: exactly one valid Host in HTTP/1.1, at most one in HTTP/1.0. It need not be the target's authority: that
 *  one wins. */
function parseHostField(head: RequestHead, target: Target): Parsed<Authority | null> {
  const hosts = head.fields.all('host');
  if (hosts.length > 1) return failed('bad_request', 'there is more than one Host');
  const host = hosts[0];
  if (host === undefined) return head.minorVersion === 1 ? failed('bad_request', 'Host is missing') : parsed(null);
  if (target.authority !== null && host === target.authorityText) return parsed(target.authority);
  return parseAuthority(host, 80);
}

/** The protocols asked for; none where another version of HTTP is among them, for requests hidden in such a connection would
 *  pass unjudged. */
function upgradeOf(fields: Fields): string {
  const version = /^(?:h2c?|h3|http)(?:\/|$)/;
  return fields.tokens('upgrade').some((protocol) => version.test(protocol)) ? '' : fields.all('upgrade').join(', ');
}
