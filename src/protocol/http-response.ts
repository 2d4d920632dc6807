import { type Parsed, parsed } from './decoded.ts';
import { responseFraming } from './http-framing.ts';
import type { ResponseHead, ResponsePlan } from './http-message.ts';
import { keepsAlive } from './http-request.ts';

/** Judges the head of a response to a request of `requestMethod`: how its content is delimited (RFC 9112 §6.3) and whether its
 *  connection may be used again. Interim responses and 101 are told by `status` alone. Fault: origin_bad_response. */
export function planResponse(head: ResponseHead, requestMethod: string): Parsed<ResponsePlan> {
  const framing = responseFraming(head, requestMethod);
  if (!framing.ok) return framing;
  const { status, reason, minorVersion, fields } = head;
  const keepAlive = framing.value.type !== 'close' && keepsAlive(minorVersion, fields, fields.tokens('connection'));
  return parsed({ status, reason, minorVersion, fields, framing: framing.value, keepAlive });
}

/** Whether a 101 switches to what the request's Upgrade asked for: it names protocols, and none but those (RFC 9110 §7.8). */
export function switchesAsAsked({ fields }: ResponsePlan, upgrade: string): boolean {
  const asked = upgrade.toLowerCase().split(/[ \t]*,[ \t]*/);
  const named = fields.tokens('upgrade');
  return named.length > 0 && named.every((protocol) => asked.includes(protocol));
}
