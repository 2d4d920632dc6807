// By hand: node test/bench/leases.ts [leases]. Octets per lease, and ns per operation on a table that holds so many.

import { ExchangeSlots, exchangeSlotsWords } from '../../src/memory/exchange-slots.ts';
import type { LeaseKey } from '../../src/memory/lease.ts';
import { LeaseKeeper } from '../../src/memory/lease-keeper.ts';
import { LeaseLayout } from '../../src/memory/lease-layout.ts';
import { LeaseTable } from '../../src/memory/lease-table.ts';
import { AtomicWords } from '../../src/memory/words.ts';
import { exitIn, termsOf } from '../memory/lease-words.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const layout = new LeaseLayout({ capacity: count });
const words = new AtomicWords(new SharedArrayBuffer(layout.length * 4));
const table = new LeaseTable({ words, layout, thread: 1, notesChanges: true });
const keeper = new LeaseKeeper(words, layout);

/** Uniform words, the same ones each time. */
const scramble = (value: number): number => {
  const mixed = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  return Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) ^ value;
};
const keys = Array.from({ length: count }, (_, i): LeaseKey => [scramble(i), i, scramble(i + count), 7]);

const before = process.memoryUsage.rss();

/** This process's own time: the machine may be busy with others. */
const spentNs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
};

function measure(name: string, operation: (index: number) => void, times = count): void {
  const start = spentNs();
  for (let i = 0; i < times; i++) operation((i * 7_919) % count);
  const ns = (spentNs() - start) / times;
  process.stdout.write(`${name.padEnd(42)} ${ns.toFixed(0).padStart(8)} ns\n`);
}

const octets = (layout.length * 4) / count;
process.stdout.write(
  `${count} leases: ${octets.toFixed(0)} octets each, ${((octets * count) / 1e6).toFixed(0)} MB in all\n`,
);
measure('find none', (i) => table.find(keys[i]!, 0));
measure('create', (i) => table.create(keys[i]!, termsOf({ session: `session${i}` }), i));
measure('find', (i) => table.find(keys[i]!, 5_000));
measure('touch', (i) => table.touch(keys[i]!, 6_000));
measure('confirm', (i) => table.confirm(keys[i]!, { slot: 3, generation: 1 }, 6_000));
measure('move', (i) => table.move(keys[i]!, { from: { slot: 3, generation: 1 }, to: exitIn(4) }, 6_000), 10_000);
const told = spentNs();
let changes = 0;
for (const _ of keeper.takeChanges(6_000)) changes++;
process.stdout.write(`changes taken: ${changes}, ${((spentNs() - told) / changes).toFixed(0)} ns each\n`);
measure('sweep of 20,000', () => keeper.sweep(6_000, 20_000), 20);
measure(
  'remove and create, swept every 1,000',
  (i) => {
    table.remove(keys[i]!, 7_000);
    table.create(keys[i]!, termsOf(), 7_000);
    if (i % 1_000 === 0) keeper.sweep(7_000, 0);
  },
  20_000,
);
process.stdout.write(
  `resident: ${((process.memoryUsage.rss() - before) / 1e6).toFixed(0)} MB more than with the keys alone\n`,
);

const shape = { takers: 2, slotsEach: 1_024 };
const slots = new ExchangeSlots(
  {
    words: new AtomicWords(new SharedArrayBuffer(exchangeSlotsWords(shape) * 4)),
    rows: new AtomicWords(new SharedArrayBuffer(64 * 10_000)),
  },
  shape,
  0,
);
measure('take and give back', (i) => slots.giveBack(slots.take(i % 10_000, 1)));
