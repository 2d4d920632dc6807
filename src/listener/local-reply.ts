import { Buffer } from 'node:buffer';
import type { LocalReply } from '../gateway/internal/internal-host.ts';
import { againstPages, ownFields, type ReplyLabels } from '../protocol/error-reply.ts';
import type { RequestPlan } from '../protocol/http-message.ts';

/** A reply made by the gateway itself, as octets. */
export function localReply(
  labels: ReplyLabels,
  { reply, plan, keepAlive }: { reply: LocalReply; plan: RequestPlan; keepAlive: boolean },
): Buffer {
  const content = Buffer.from(reply.body, 'utf8');
  const lines = [
    `HTTP/1.1 ${reply.status} ${reply.reason}`,
    `Content-Type: ${reply.contentType}`,
    `Content-Length: ${content.length}`,
    'Cache-Control: no-store',
    ...[...againstPages, ...ownFields(labels)].map(([name, value]) => `${name}: ${value}`),
  ];
  if (reply.retryAfterS !== undefined) lines.push(`Retry-After: ${reply.retryAfterS}`);
  if (!keepAlive) lines.push('Connection: close');
  else if (plan.minorVersion === 0) lines.push('Connection: keep-alive');
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return plan.method === 'HEAD' ? head : Buffer.concat([head, content]);
}
