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

/** A field written anew: in the place of the received field `place` if there is one, otherwise at the end. */
interface Renewed {
  readonly place: string;
  readonly name: string;
  readonly value: string;
  written: boolean;
}

const renewedField = (place: string, name: string, value: string): Renewed => ({ place, name, value, written: false });

/** The head of a request to send on, as latin-1 text. Always HTTP/1.1, framed as the plan says whatever the method; end-to-end
 *  fields keep order, case and number. Received octets are only those of decoded fields, so nothing can be injected. */
export function serialiseRequest(plan: RequestPlan, options: RequestOptions): string {
  const { method, fields } = plan;
  const { target, host, connection, omit, extra } = options;
  const renewed: Renewed[] = [];
  renewFraming(renewed, plan.framing, fields);
  if (plan.expectsContinue && omit?.has('expect') !== true)
    renewed.push(renewedField('expect', 'Expect', '100-continue'));
  if (connection === 'upgrade') renewUpgrade(renewed, plan.upgrade);
  else if (connection === 'close' || fields.has('connection') || fields.has('proxy-connection')) {
    renewed.push(renewedField('connection', 'Connection', connection));
  }
  // RFC 9110 §7.2: Host stands first unless the client put it elsewhere.
  const first = fields.has('host') ? '' : `Host: ${host}\r\n`;
  if (first === '') renewed.push(renewedField('host', 'Host', host));
  const received = fieldLines({ role: 'request', fields, renewed, omit });
  return `${method} ${target} HTTP/1.1\r\n${first}${received}${ownLines(extra)}\r\n`;
}

/** The head of a final response to the client, or of a 101, as latin-1 text. Always HTTP/1.1; end-to-end fields keep order, case
 *  and number. Where the framing is `none` a received Content-Length still tells of HEAD and 304 what it told. */
export function serialiseResponse(plan: ResponsePlan, options: ResponseOptions): string {
  const { status, fields } = plan;
  const { framing, connection, extra } = options;
  const renewed: Renewed[] = [];
  renewFraming(renewed, framing, fields);
  if (framing.type === 'none' && status >= 200 && status !== 204) renewToldLength(renewed, fields);
  if (connection === 'upgrade') renewUpgrade(renewed, fields.all('upgrade').join(', '));
  else if (connection === 'close' || (connection === 'keep-alive' && options.minorVersionOfClient === 0)) {
    const name = options.proxyConnection ? 'Proxy-Connection' : 'Connection';
    renewed.push(renewedField('connection', name, connection));
  }
  return `${statusLine(plan)}${fieldLines({ role: 'response', fields, renewed })}${ownLines(extra)}\r\n`;
}

/** The head of an interim (1xx) response other than 101, as latin-1 text. Not for HTTP/1.0 clients (RFC 9110 §15.2). */
export function serialiseInterim(plan: ResponsePlan): string {
  return `${statusLine(plan)}${fieldLines({ role: 'response', fields: plan.fields, renewed: [] })}\r\n`;
}

function statusLine({ status, reason }: ResponsePlan): string {
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

function renewFraming(renewed: Renewed[], framing: Framing, fields: Fields): void {
  if (framing.type === 'length') {
    renewed.push(renewedField('content-length', 'Content-Length', String(framing.octets)));
  } else if (framing.type === 'chunked') {
    renewed.push(renewedField('transfer-encoding', 'Transfer-Encoding', 'chunked'));
    if (fields.has('trailer')) renewed.push(renewedField('trailer', 'Trailer', fields.all('trailer').join(', ')));
  }
}

function renewToldLength(renewed: Renewed[], fields: Fields): void {
  const octets = singleLength(fields);
  if (octets !== null) renewed.push(renewedField('content-length', 'Content-Length', String(octets)));
}

function renewUpgrade(renewed: Renewed[], protocols: string): void {
  renewed.push(renewedField('connection', 'Connection', 'Upgrade'));
  renewed.push(renewedField('upgrade', 'Upgrade', protocols));
}

/** The received fields that are passed on, with the renewed ones in their places; then those that had none. */
function fieldLines(message: {
  role: 'request' | 'response';
  fields: Fields;
  renewed: readonly Renewed[];
  omit?: ReadonlySet<string>;
}): string {
  const { role, fields, renewed, omit } = message;
  const { names, keys, values } = fields;
  const nominated = fields.tokens('connection');
  let text = '';
  // Where those that are passed on begin which aren't in the text yet: neighbours are written together.
  let start = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? '';
    const own = unwritten(renewed, key === 'proxy-connection' ? 'connection' : key);
    if (own === null && !isDropped(key, nominated, role) && omit?.has(key) !== true) continue;
    const name = own?.name.toLowerCase() === key ? names[i] : own?.name;
    if (own !== null) own.written = true;
    if (own !== null && own.value === values[i] && name === names[i]) continue;
    if (start < i) text += fields.lines(start, i);
    if (own !== null) text += `${name}: ${own.value}\r\n`;
    start = i + 1;
  }
  if (start < keys.length) text += fields.lines(start, keys.length);
  for (const { name, value, written } of renewed) if (!written) text += `${name}: ${value}\r\n`;
  return text;
}

/** The field that takes `place` and stands nowhere yet. */
function unwritten(renewed: readonly Renewed[], place: string): Renewed | null {
  for (const field of renewed) if (field.place === place && !field.written) return field;
  return null;
}

function ownLines(extra: OwnFields = []): string {
  let text = '';
  for (const [name, value] of extra) text += `${name}: ${value}\r\n`;
  return text;
}
