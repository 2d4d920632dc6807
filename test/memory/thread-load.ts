import { parentPort, workerData } from 'node:worker_threads';
import { ExchangeSlots, type ExchangeSlotsShape } from '../../src/memory/exchange-slots.ts';
import { LeaseLayout, type LeaseTableShape } from '../../src/memory/lease-layout.ts';
import { LeaseTable } from '../../src/memory/lease-table.ts';
import { AtomicWords } from '../../src/memory/words.ts';
import { exitIn, keyOf, termsOf } from './lease-words.ts';

/** What a thread under load is given. */
export interface Load {
  readonly slots: SharedArrayBuffer;
  readonly slotsShape: ExchangeSlotsShape;
  readonly rows: SharedArrayBuffer;
  readonly exits: number;
  readonly leases: SharedArrayBuffer;
  readonly leasesShape: LeaseTableShape;
  /** Its number, 1 or more. */
  readonly thread: number;
  readonly rounds: number;
  readonly sessions: number;
  /** Exchanges that it still holds in the end. */
  readonly keeps: number;
}

/** What it tells in the end: the exit of each session as it was told when it asked for a lease, and at which exits it holds a
 *  place. */
export interface LoadResult {
  readonly told: readonly number[];
  readonly held: readonly number[];
}

/** Takes and gives back places, and asks for leases, in an order of its own. */
function work({ thread, rounds, sessions, exits, keeps, ...memory }: Load): LoadResult {
  const slots = new ExchangeSlots(
    { words: new AtomicWords(memory.slots), rows: new AtomicWords(memory.rows) },
    memory.slotsShape,
    thread,
  );
  const layout = new LeaseLayout(memory.leasesShape);
  const table = new LeaseTable({ words: new AtomicWords(memory.leases), layout, thread, notesChanges: true });
  const told: number[] = [];
  const held: { handle: number; exit: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const exit = (round * 7 + thread) % exits;
    held.push({ handle: slots.take(exit, 1), exit });
    if (held.length > keeps) slots.giveBack(held.splice((round * 3) % held.length, 1)[0]!.handle);
    const session = round % sessions;
    const key = keyOf(`session ${session}`);
    const lease = table.create(key, termsOf(exitIn(thread)), round);
    const before = told[session];
    if (lease !== undefined) told[session] = before === undefined || before === lease.slot ? lease.slot : Number.NaN;
    // Leases of its own, which come and go.
    const own = keyOf(`own ${thread} ${round % 50}`);
    const mine = table.create(own, termsOf(exitIn(1)), round);
    if (mine !== undefined) table.move(own, { from: mine, to: exitIn(mine.slot + 1) }, round);
    if (round % 3 === 0) table.remove(own, round);
    if (round === 1_000) parentPort?.postMessage('under way');
  }
  return { told, held: held.map(({ exit }) => exit) };
}

parentPort?.postMessage(work(workerData as Load));
