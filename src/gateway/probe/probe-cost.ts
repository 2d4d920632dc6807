import type { ProbeTarget } from '../../protocol/probe-target.ts';
import { type Allowance, worstCost } from '../../transport/metered-stream.ts';

/** Content that is read of a page, in octets. */
export const MOST_CONTENT = 4 * 1024;

/** Handshakes of the exit and of the target (some 6 KiB each, with their certificates), the head, and the content. */
const allowances: Readonly<Record<ProbeTarget['kind'], Allowance>> = {
  handshake: { sent: 6 * 1024, received: 12 * 1024 },
  tunnel: { sent: 8 * 1024, received: 16 * 1024 },
  page: { sent: 16 * 1024, received: 32 * 1024 },
};

/** What a probe of `target` may take, in octets on the wire to the exit. */
export function allowanceOf({ kind }: ProbeTarget): Allowance {
  return allowances[kind];
}

/** The most octets that a probe of `target` can cost, as the exit counts. */
export function worstProbeCost(target: ProbeTarget): number {
  return worstCost(allowanceOf(target));
}
