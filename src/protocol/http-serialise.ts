import type { Fields } from './fields.ts';
import { singleLength } from './http-framing.ts';
import { isDropped } from './http-hop-by-hop.ts';
import type { Framing, MinorVersion, RequestPlan, ResponsePlan } from './http-message.ts';

/** Fields of our own, written as they are: their octets must be known to be safe. */
type OwnFields = readonly (readonly [string, string])[];

/** What the sender decides about a request. */
export interface RequestOptions {
  /** The request target as the next hop must see it. */
  readonly target: string;
  /** The value of Host. */
  readonly host: string;
  /** `keep-alive` goes without saying in HTTP/1.1: it is said only where the client said something about its connection. */
  readonly connection: 'keep-alive' | 'close' | 'upgrade';
  /** Received fields to leave out beyond those of isDropped, by lower-case name. */
  readonly omit?: ReadonlySet<string>;
  /** Appended. */
  readonly extra?: OwnFields;
}

/** What the sender decides about a response. */
export interface ResponseOptions {
  readonly minorVersionOfClient: MinorVersion;
  /** As the client gets it. Never chunked for HTTP/1.0. */
  readonly framing: Framing;
  /** Null where nothing shall be said about it. */
  readonly connection: 'keep-alive' | 'close' | 'upgrade' | null;
  /** Whether the client speaks of Proxy-Connection in place of Connection. */
  readonly proxyConnection?: boolean;
  /** Appended. */
  readonly extra?: OwnFields;
}

/** Fields written anew, by lower-case name: in the place of the received field if there is one, otherwise at the end. */
type Renewed = Map<string, { readonly name: string; readonly value: string }>;

/** The head of a request to send on, as latin-1 text. Always HTTP/1.1, framed as the plan says whatever the method; end-to-end
 *  fields keep order, case and number. Received octets are only those of decoded fields, so nothing can be injected. */
export function serialiseRequest(plan: RequestPlan, options: RequestOptions): string {
  const { method, fields } = plan;
  const { target, host, connection, omit, extra } = options;
  const renewed: Renewed = new Map();
  renewFraming(renewed, plan.framing, fields);
  if (plan.expectsContinue && omit?.has('expect') !== true)
    renewed.set('expect', { name: 'Expect', value: '100-continue' });
  if (connection === 'upgrade') renewUpgrade(renewed, plan.upgrade);
  else if (connection === 'close' || fields.has('connection') || fields.has('proxy-connection')) {
    renewed.set('connection', { name: 'Connection', value: connection });
  }
  // RFC 9110 §7.2: Host stands first unless the client put it elsewhere.
  const first = fields.has('host') ? '' : `Host: ${host}\r\n`;
  if (first === '') renewed.set('host', { name: 'Host', value: host });
  const received = fieldLines({ role: 'request', fields, renewed, omit });
  return `${method} ${target} HTTP/1.1\r\n${first}${received}${ownLines(extra)}\r\n`;
}

/** The head of a final response to the client, or of a 101, as latin-1 text. Always HTTP/1.1; end-to-end fields keep order, case
 *  and number. Where the framing is `none` a received Content-Length still tells of HEAD and 304 what it told. */
export function serialiseResponse(plan: ResponsePlan, options: ResponseOptions): string {
  const { status, fields } = plan;
  const { framing, connection, extra } = options;
  const renewed: Renewed = new Map();
  renewFraming(renewed, framing, fields);
  if (framing.type === 'none' && status >= 200 && status !== 204) renewToldLength(renewed, fields);
  if (connection === 'upgrade') renewUpgrade(renewed, fields.all('upgrade').join(', '));
  else if (connection === 'close' || (connection === 'keep-alive' && options.minorVersionOfClient === 0)) {
    const name = options.proxyConnection ? 'Proxy-Connection' : 'Connection';
    renewed.set('connection', { name, value: connection });
  }
  return `${statusLine(plan)}${fieldLines({ role: 'response', fields, renewed })}${ownLines(extra)}\r\n`;
}

/** The head of an interim (1xx) response other than 101, as latin-1 text. Not for HTTP/1.0 clients (RFC 9110 §15.2). */
export function serialiseInterim(plan: ResponsePlan): string {
  return `${statusLine(plan)}${fieldLines({ role: 'response', fields: plan.fields, renewed: new Map() })}\r\n`;
}

function statusLine({ status, reason }: ResponsePlan): string {
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

function renewFraming(renewed: Renewed, framing: Framing, fields: Fields): void {
  if (framing.type === 'length') {
    renewed.set('content-length', { name: 'Content-Length', value: String(framing.octets) });
  } else if (framing.type === 'chunked') {
    renewed.set('transfer-encoding', { name: 'Transfer-Encoding', value: 'chunked' });
    if (fields.has('trailer')) renewed.set('trailer', { name: 'Trailer', value: fields.all('trailer').join(', ') });
  }
}

function renewToldLength(renewed: Renewed, fields: Fields): void {
  const octets = singleLength(fields);
  if (octets !== null) renewed.set('content-length', { name: 'Content-Length', value: String(octets) });
}

function renewUpgrade(renewed: Renewed, protocols: string): void {
  renewed.set('connection', { name: 'Connection', value: 'Upgrade' });
  renewed.set('upgrade', { name: 'Upgrade', value: protocols });
}

/** The received fields that are passed on, with the renewed ones in their places; then those that had none. */
function fieldLines(message: {
  role: 'request' | 'response';
  fields: Fields;
  renewed: Renewed;
  omit?: ReadonlySet<string>;
}): string {
  const { role, fields, renewed, omit } = message;
  const { names, keys, values } = fields;
  const nominated = fields.tokens('connection');
  let text = '';
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? '';
    const place = key === 'proxy-connection' ? 'connection' : key;
    const own = renewed.get(place);
    if (own !== undefined) {
      const name = own.name.toLowerCase() === key ? names[i] : own.name;
      text += `${name}: ${own.value}\r\n`;
      renewed.delete(place);
    } else if (!isDropped(key, nominated, role) && omit?.has(key) !== true) {
      text += `${names[i]}: ${values[i]}\r\n`;
    }
  }
  for (const { name, value } of renewed.values()) text += `${name}: ${value}\r\n`;
  return text;
}

function ownLines(extra: OwnFields = []): string {
  let text = '';
  for (const [name, value] of extra) text += `${name}: ${value}\r\n`;
  return text;
}
