import { Buffer } from 'node:buffer';
import { GatewayError } from '../../errors.ts';
import { type Decoded, decoded, more, refused } from '../../protocol/decoded.ts';
import { ContentDecoder } from '../../protocol/http-content.ts';
import { ResponseHeadDecoder } from '../../protocol/http-head.ts';
import type { Framing, HeadLimits, ResponsePlan } from '../../protocol/http-message.ts';
import { planResponse } from '../../protocol/http-response.ts';
import type { Handshake } from '../../transport/handshake.ts';
import { MOST_CONTENT } from './probe-cost.ts';

/** Interim responses (1xx) passed over before the answer. */
const INTERIM_LIMIT = 8;

/** The head of the answer to a GET. Rejects as Handshake.receive does. */
export async function readFinalHead(handshake: Handshake, limits: HeadLimits): Promise<ResponsePlan> {
  const decoder = new ResponseHeadDecoder(limits);
  for (let interim = 0; interim <= INTERIM_LIMIT; interim++) {
    const head = await handshake.receive((chunk) => decoder.push(chunk));
    const plan = planResponse(head, 'GET');
    if (!plan.ok) throw new GatewayError('exit_rejected', { detail: plan.fault.detail });
    if (plan.value.status >= 200 || plan.value.status === 101) return plan.value;
  }
  throw new GatewayError('exit_rejected', { detail: 'interim responses came without end' });
}

/** The content of the answer, as text, no more than is of use: what follows isn't waited for. Rejects as Handshake.receive does,
 *  where it was cut too. */
export async function readContent(handshake: Handshake, framing: Framing): Promise<string> {
  const decoder = new ContentDecoder(framing, 'response');
  const slices: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer): Decoded<null> => {
    const before = slices.length;
    const state = decoder.push(chunk, slices);
    for (const slice of slices.slice(before)) size += slice.length;
    if (state === 'more' && size < MOST_CONTENT) return more;
    return typeof state === 'string' ? decoded(null, decoder.rest) : refused(state.kind, state.detail);
  };
  if (!decoder.done) {
    await handshake.receive(take).catch((cause: unknown) => {
      // Content that only the connection's end delimits.
      if (framing.type !== 'close' || !handshake.peerEnded) throw cause;
    });
  }
  return Buffer.concat(slices).subarray(0, MOST_CONTENT).toString('utf8');
}
