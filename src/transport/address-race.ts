import { isIPv6 } from 'node:net';
import type { Cutoff } from './cutoff.ts';
import { type Blame, connectFailure, type DialledFrom, dialTimeout, tellingOf } from './dial-failure.ts';
import type { Socket } from './socket.ts';

/** RFC 8305 §5: how long an attempt has before the next address is tried beside it. */
const ATTEMPT_DELAY_MS = 250;
/** Addresses tried of one name: a bound on the sockets that one dial can hold. */
const ADDRESS_LIMIT = 8;

/** The families in turn, IPv6 first (RFC 8305 §4), at most eight. */
export function interleave(addresses: readonly string[]): readonly string[] {
  if (addresses.length === 1) return addresses;
  const six = addresses.filter((address) => isIPv6(address));
  const four = addresses.filter((address) => !isIPv6(address));
  const order: string[] = [];
  for (let i = 0; i < Math.max(six.length, four.length); i++)
    order.push(...six.slice(i, i + 1), ...four.slice(i, i + 1));
  return order.slice(0, ADDRESS_LIMIT);
}

/** Connects to the first of the addresses that answers (RFC 8305): the next is tried when one has failed, or has not answered
 *  for 250 ms. All other sockets are destroyed. `open` begins to connect, and keeps an error listener on its socket. Rejects
 *  with the most telling failure when all have failed, or with the cutoff's. */
export function raceAddresses<S extends Socket>(
  addresses: readonly string[],
  by: { readonly open: (address: string) => S; readonly blame: Blame; readonly bound?: boolean },
  cutoff: Cutoff,
): Promise<S> {
  const order = interleave(addresses);
  return cutoff.wait(
    () => dialTimeout(by.blame, 'connection'),
    (resolve, reject) => {
      const running = new Set<S>();
      let tried = 0;
      let timer: NodeJS.Timeout | undefined;
      let failure: { readonly error: NodeJS.ErrnoException; readonly dialled: DialledFrom } | null = null;

      const tryNext = (): void => {
        clearTimeout(timer);
        const address = order[tried++];
        if (address === undefined) return;
        const socket = by.open(address);
        running.add(socket);
        const lost = (error: NodeJS.ErrnoException): void => {
          running.delete(socket);
          const dialled = { address, bound: by.bound === true };
          if (failure === null || tellingOf(error, dialled) > tellingOf(failure.error, failure.dialled))
            failure = { error, dialled };
          if (tried < order.length) tryNext();
          else if (running.size === 0) reject(connectFailure(by.blame, failure.error, failure.dialled));
        };
        const connected = (): void => {
          socket.off('error', lost).off('connect', connected);
          running.delete(socket);
          resolve(socket);
        };
        socket.on('error', lost).on('connect', connected);
        if (tried < order.length) timer = setTimeout(tryNext, ATTEMPT_DELAY_MS);
      };

      tryNext();
      return () => {
        clearTimeout(timer);
        // One that has failed may still have to tell it: nothing is tried instead.
        tried = order.length;
        for (const socket of running) socket.destroy();
      };
    },
  );
}
