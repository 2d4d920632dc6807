import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';

/** Octets of an id: 128 bits, which nobody guesses. */
const ID_OCTETS = 16;

/** Octets of chance that are asked for at once. */
const POOL_OCTETS = 256 * ID_OCTETS;

/** Makes ids of 32 hexadecimal digits. One is made for every exchange and written three times (reply, log, ledger): a UUID takes
 *  twice as long to make, and again as long to write, because it is put together of twenty pieces. */
export function requestIds(): () => string {
  const pool = Buffer.allocUnsafeSlow(POOL_OCTETS);
  let at = POOL_OCTETS;
  return () => {
    if (at === POOL_OCTETS) {
      randomFillSync(pool);
      at = 0;
    }
    at += ID_OCTETS;
    return pool.toString('hex', at - ID_OCTETS, at);
  };
}
