import type { LeaseRecords } from './lease-records.ts';

/** Leases that are looked at to know which have rested longest. */
const SAMPLE = 4_096;

/** Where no more than this part of all leases may stay, the clients that have most of them go down to what all may have alike, so that
 *  nobody crowds out others. For each of these clients, by `clientOf`: those of its leases go that have rested for so long, in ms.
 *  Exact in a small table, about right in a large one. */
export function longRests(
  records: LeaseRecords,
  { part, now }: { readonly part: number; readonly now: number },
): ReadonlyMap<number, number> {
  const rests = sampleRests(records, now);
  const counts = Array.from(rests.values(), ({ length }) => length);
  const share = evenShare(counts, part * counts.reduce((sum, count) => sum + count, 0));
  const long = new Map<number, number>();
  for (const [client, ofClient] of rests) {
    if (ofClient.length <= share) continue;
    ofClient.sort((a, b) => b - a);
    long.set(client, ofClient[Math.floor(ofClient.length - share - 1e-9)] ?? 0);
  }
  return long;
}

/** How long leases of each client have rested. */
function sampleRests(records: LeaseRecords, now: number): Map<number, number[]> {
  const step = Math.max(1, Math.floor(records.count / SAMPLE));
  const rests = new Map<number, number[]>();
  for (let first = 1; first <= records.count; first += step) {
    // Not always the same place of so many: sessions may be made in turns.
    const record = Math.min(records.count, first + ((Math.imul(first, 0x9e37_79b1) >>> 8) % step));
    if (!records.stands(record)) continue;
    const client = records.clientOf(record);
    const ofClient = rests.get(client) ?? [];
    rests.set(client, ofClient);
    ofClient.push(records.restedMs(record, now));
  }
  return rests;
}

/** What each may have at most of so many in all, if those who have less keep it. */
function evenShare(counts: readonly number[], all: number): number {
  let left = all;
  for (const [index, count] of counts.toSorted((a, b) => a - b).entries()) {
    const share = left / (counts.length - index);
    if (count > share) return share;
    left -= count;
  }
  return Number.POSITIVE_INFINITY;
}
