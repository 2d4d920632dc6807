import { asGatewayError } from '../../errors.ts';
import { Cutoff } from '../../transport/cutoff.ts';
import type { DialLimits, Dialler, DialTarget } from '../../transport/dial.ts';
import type { Socket } from '../../transport/socket.ts';

/** Addresses of a name that a probe tries. */
const MOST_ADDRESSES = 3;

/** Dials one address after the other, where live traffic lets them race: what the losers of a race cost nobody would have counted.
 *  Each but the last has half of the time that is left. Rejects as Dialler.dial. */
export async function dialMetered(
  { dialler, now }: { readonly dialler: Dialler; readonly now: () => number },
  target: DialTarget & DialLimits,
): Promise<Socket> {
  const { deadlineMs, signal } = target;
  const begun = now();
  const cutoff = new Cutoff(deadlineMs, signal);
  try {
    const addresses = (await dialler.addresses(target, cutoff)).slice(0, MOST_ADDRESSES);
    return await tryInTurn(addresses, (host, isLast) => {
      const leftMs = Math.max(1, deadlineMs - (now() - begun));
      return dialler.dial({ ...target, host, deadlineMs: isLast ? leftMs : leftMs / 2, brief: true });
    });
  } finally {
    cutoff.close();
  }
}

async function tryInTurn(
  addresses: readonly string[],
  dial: (address: string, isLast: boolean) => Promise<Socket>,
): Promise<Socket> {
  let failure: unknown = null;
  for (const [index, address] of addresses.entries()) {
    try {
      return await dial(address, index === addresses.length - 1);
    } catch (cause) {
      failure = cause;
    }
  }
  throw asGatewayError(failure);
}
