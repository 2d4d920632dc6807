import type { Exchange } from '../gateway/exchange.ts';
import type { Aftermath } from '../gateway/forwarding/forward-request.ts';
import type { RequestContent } from '../gateway/forwarding/request-content.ts';
import { answerInternal, type LocalReply, REPORT_BYTES } from '../gateway/internal/internal-host.ts';
import { readLocalContent } from '../gateway/internal/local-content.ts';
import { ownLabelsOf } from '../gateway/limits/limit-lines.ts';
import type { RequestPlan } from '../protocol/http-message.ts';
import type { Socket } from '../transport/socket.ts';
import type { ListenerContext } from './context.ts';
import { localReply } from './local-reply.ts';

/** The answer to an OPTIONS that may go no further (RFC 9110 §7.6.2). */
const FINAL_RECIPIENT: LocalReply = { status: 200, reason: 'OK', contentType: 'text/plain', body: '' };

/** A request that goes no further than to us. */
export interface OwnRequest {
  readonly socket: Socket;
  readonly plan: RequestPlan;
  readonly content: RequestContent;
  /** Whether its connection might be kept. */
  readonly keepAlive: boolean;
}

/** Answers as the last recipient of an OPTIONS. */
export async function answerOptions(
  context: ListenerContext,
  exchange: Exchange,
  request: OwnRequest,
): Promise<Aftermath> {
  return send(context, exchange, { request, reply: FINAL_RECIPIENT });
}

/** Answers as the gateway's own host. Content that this needs is asked for where the client waits to be asked (RFC 9110 §10.1.1). */
export async function answerAsHost(
  context: ListenerContext,
  exchange: Exchange,
  request: OwnRequest,
): Promise<Aftermath> {
  const { gateway, timeouts } = context;
  const { socket, plan, content } = request;
  const limits = { limitBytes: REPORT_BYTES, deadlineMs: timeouts.head, signal: exchange.abort };
  const read = (): Promise<Buffer | null> => {
    if (plan.expectsContinue && content.bytes === 0) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    return readLocalContent(content, limits);
  };
  const reply = await answerInternal(gateway, exchange, { method: plan.method, path: plan.path, content: read });
  return send(context, exchange, { request, reply });
}

/** As for a refusal: behind it content that nobody asked for may come, or the next request. */
function send(
  { gateway }: ListenerContext,
  exchange: Exchange,
  { request, reply }: { readonly request: OwnRequest; readonly reply: LocalReply },
): Aftermath {
  const { socket, plan, content } = request;
  exchange.status = reply.status;
  exchange.ending = 'ok';
  const keepAlive = request.keepAlive && content.passable(plan.expectsContinue);
  socket.write(localReply(ownLabelsOf(gateway, exchange), { reply, plan, keepAlive }));
  return keepAlive ? 'keep' : 'close';
}
