import { Buffer } from 'node:buffer';
import { labelFields } from '../../protocol/error-reply.ts';
import { serialiseResponse } from '../../protocol/http-serialise.ts';
import { ignoreError } from '../../transport/ignore-error.ts';
import type { Collaborators } from '../collaborators.ts';
import { type Exchange, labelsOf } from '../exchange.ts';
import { relayTunnel } from '../tunnels/tunnel-exchange.ts';
import type { Aftermath, Answer, ForwardClient } from './forward-request.ts';

/** Relays 101 and then, both ways, whatever the new protocol is. */
export async function relayUpgrade(
  deps: Collaborators,
  exchange: Exchange,
  { client, answer }: { client: ForwardClient; answer: Answer },
): Promise<Aftermath> {
  const { link, response } = answer;
  exchange.status = 101;
  answer.exchange.release();
  const head = serialiseResponse(response, {
    minorVersionOfClient: client.minorVersion,
    framing: { type: 'none' },
    connection: 'upgrade',
    extra: client.replyFields ? labelFields(labelsOf(exchange)) : [],
  });
  link.socket.on('error', ignoreError);
  client.socket.on('error', ignoreError);
  const sides = {
    client: { socket: client.socket, early: client.detach(), reply: Buffer.from(head, 'latin1') },
    exit: { socket: link.socket, early: link.connection.detach() },
  };
  await new Promise<void>((resolve) => relayTunnel(deps, exchange, sides, () => resolve()));
  return 'gone';
}
