import { createHmac } from 'node:crypto';
import type { LeaseEntry, LeaseKey } from '../memory/lease.ts';
import { encodeLeases } from '../memory/lease-codec.ts';
import { LeaseKeeper } from '../memory/lease-keeper.ts';
import { LeaseLayout } from '../memory/lease-layout.ts';
import { LeaseTable } from '../memory/lease-table.ts';
import { FrameKind, frameOf } from '../memory/snapshot.ts';
import { AtomicWords, type Words } from '../memory/words.ts';
import { appendFrame } from '../store/lease-log.ts';

/** Leases that may stand at once: 187 MB, of which the system gives what is used. */
const LEASES = 1_000_000;

const CONTROL_THREAD = 0;

/** The shared memory of leases, and the control thread's two hands on it. */
export interface LeaseMemory {
  readonly words: Words;
  readonly layout: LeaseLayout;
  readonly table: LeaseTable;
  readonly keeper: LeaseKeeper;
}

const layoutOfAll = (): LeaseLayout => new LeaseLayout({ capacity: LEASES });

/** Words that the leases of all threads take. */
export function leaseWords(): number {
  return layoutOfAll().length;
}

/** The leases as the control thread has them: it alone keeps the table. */
export function controlLeases(buffer: SharedArrayBuffer): LeaseMemory {
  const layout = layoutOfAll();
  const words = new AtomicWords(buffer);
  const table = tableOf(words, layout, CONTROL_THREAD);
  return { words, layout, table, keeper: new LeaseKeeper(words, layout) };
}

/** The leases as a worker has them. */
export function workerLeases(buffer: SharedArrayBuffer, worker: number): LeaseTable {
  return tableOf(new AtomicWords(buffer), layoutOfAll(), leaseThreadOf(worker));
}

/** The number that a worker has among the threads of the table. */
export function leaseThreadOf(worker: number): number {
  return worker + 1;
}

/** The key of a session's lease: the first 128 bits of a keyed hash. */
export function leaseKeyOf(
  secret: Uint8Array,
  { client, session }: { readonly client: string; readonly session: string },
): LeaseKey {
  const octets = createHmac('sha256', secret).update(`${client}\n${session}`).digest();
  return [octets.readInt32LE(0), octets.readInt32LE(4), octets.readInt32LE(8), octets.readInt32LE(12)];
}

function tableOf(words: AtomicWords, layout: LeaseLayout, thread: number): LeaseTable {
  const onPinned = pinnedWriter({ words, layout }, Date.now);
  return new LeaseTable({ words, layout, thread, notesChanges: true, onPinned });
}

/** Appends a strict session's lease to the open log at once, in whatever thread its exit is confirmed: before its client is told
 *  of the success the system has it, so that a kill loses no strict session. */
export function pinnedWriter(
  { words, layout }: Pick<LeaseMemory, 'words' | 'layout'>,
  wallTime: () => number,
): (entry: LeaseEntry, now: number) => void {
  return (entry, now) => {
    const log = words.load(layout.log);
    if (log === 0) return;
    const payload = encodeLeases([entry], { wallTime: wallTime(), systemMs: now });
    const frame = frameOf({ kind: FrameKind.part, payload });
    if (!appendFrame(log - 1, frame)) words.store(layout.logBroken, 1);
  };
}
