import type { ErrorKind, GatewayError } from '../errors.ts';

/** One intermediary's word in a Proxy-Status field. */
export interface ProxyStatusMember {
  /** What the intermediary calls itself. */
  readonly name: string;
  /** A type of RFC 9209 §2.3; undefined where nothing went wrong. */
  readonly error?: string;
  /** What the next hop answered it. */
  readonly receivedStatus?: number;
}

const valueLimit = 8192;
const memberLimit = 32;

const tokenPattern = /^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/;

const kinds: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ['dns_timeout', 'origin_dns'],
  ['dns_error', 'origin_dns'],
  ['destination_not_found', 'origin_unreachable'],
  ['destination_ip_prohibited', 'exit_rejected'],
  ['destination_ip_unroutable', 'origin_unreachable'],
  ['connection_refused', 'origin_refused'],
  ['connection_terminated', 'origin_reset'],
  ['connection_timeout', 'origin_timeout'],
  ['connection_read_timeout', 'origin_timeout'],
  ['connection_write_timeout', 'origin_timeout'],
  ['connection_limit_reached', 'exit_rejected'],
  ['http_request_error', 'exit_rejected'],
  ['http_request_denied', 'exit_rejected'],
  ['http_response_incomplete', 'origin_bad_response'],
  ['http_response_header_section_size', 'origin_bad_response'],
  ['http_response_header_size', 'origin_bad_response'],
  ['http_response_body_size', 'origin_bad_response'],
  ['http_response_trailer_section_size', 'origin_bad_response'],
  ['http_response_trailer_size', 'origin_bad_response'],
  ['http_response_transfer_coding', 'origin_bad_response'],
  ['http_response_content_coding', 'origin_bad_response'],
  ['http_response_timeout', 'origin_timeout'],
  ['http_upgrade_failed', 'origin_bad_response'],
  ['http_protocol_error', 'origin_bad_response'],
  ['proxy_internal_response', 'exit_failed'],
  ['proxy_internal_error', 'exit_failed'],
  ['proxy_configuration_error', 'exit_failed'],
  ['proxy_loop_detected', 'exit_rejected'],
]);

/** Our member of Proxy-Status (RFC 9209 §2): the error's type, the status that an exit answered, and the detail. Never the next
 *  hop. A list's last member is nearest to the client: ours is appended to what was received. */
export function proxyStatusMember(name: string, error: GatewayError): string {
  const status = error.receivedStatus === undefined ? '' : `; received-status=${error.receivedStatus}`;
  return `${tokenOrString(name)}; error=${error.proxyStatus}${status}; details=${quoted(error.detail)}`;
}

/** The members of a Proxy-Status field that an exit sent, in order: the first is nearest to the origin, the last to us. Reads
 *  what RFC 8941 would refuse as well as it can, and at most 32 members of 8,192 octets. */
export function readProxyStatus(value: string): ProxyStatusMember[] {
  if (value.length > valueLimit) return [];
  const members: ProxyStatusMember[] = [];
  for (const text of splitOutsideStrings(value, ',').slice(0, memberLimit)) {
    const [name = '', ...params] = splitOutsideStrings(text, ';').map((part) => part.trim());
    if (name !== '') members.push(readMember(unquoted(name), params));
  }
  return members;
}

/** Which kind an error type in an exit's Proxy-Status is to us. What it says of its next hop is the origin's; a refusal or a
 *  fault of its own is the exit's. Null where it tells neither (destination_unavailable may be a want of peers; tls_* of whom?)
 *  or is no type of RFC 9209 §2.3. */
export function kindOfProxyStatus(error: string): ErrorKind | null {
  return kinds.get(error) ?? null;
}

/** A string of RFC 8941 §3.3.3: visible ASCII and spaces; all else becomes `?`. */
export function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}

function tokenOrString(text: string): string {
  return tokenPattern.test(text) ? text : quoted(text);
}

function readMember(name: string, params: readonly string[]): ProxyStatusMember {
  const found = new Map<string, string>();
  for (const param of params) {
    const equals = param.indexOf('=');
    // RFC 8941 §3.1.2: the last of equal keys counts.
    if (equals > 0) found.set(param.slice(0, equals).trim().toLowerCase(), unquoted(param.slice(equals + 1).trim()));
  }
  const status = found.get('received-status') ?? '';
  const receivedStatus = /^[1-9][0-9]{2}$/.test(status) ? Number(status) : undefined;
  return { name, error: found.get('error')?.toLowerCase(), receivedStatus };
}

function unquoted(text: string): string {
  return text.startsWith('"')
    ? text
        .slice(1)
        .replace(/"$/, '')
        .replace(/\\(["\\])/g, '$1')
    : text;
}

/** The parts of `text` between separators that stand in no string of RFC 8941 §3.3.3. */
function splitOutsideStrings(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (inString && char === '\\') i++;
    else if (char === '"') inString = !inString;
    else if (char === separator && !inString) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
