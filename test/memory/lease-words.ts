import type { LeaseEntry, LeaseKey, LeaseTerms } from '../../src/memory/lease.ts';
import { LeaseKeeper } from '../../src/memory/lease-keeper.ts';
import { LeaseLayout, type LeaseTableShape } from '../../src/memory/lease-layout.ts';
import { LeaseTable } from '../../src/memory/lease-table.ts';
import { AtomicWords, type Words } from '../../src/memory/words.ts';

/** A table of leases for one thread that is the control thread as well. */
export interface Leases {
  readonly layout: LeaseLayout;
  readonly words: Words;
  readonly table: LeaseTable;
  readonly keeper: LeaseKeeper;
}

export interface LeasesOptions extends Partial<LeaseTableShape> {
  readonly notesChanges?: boolean;
  readonly onPinned?: (entry: LeaseEntry, now: number) => void;
}

/** An empty table; of 16 leases unless told. */
export function makeLeases({ capacity = 16, spare, threads = 4, notesChanges, onPinned }: LeasesOptions = {}): Leases {
  const layout = new LeaseLayout({ capacity, spare, threads });
  const words = new AtomicWords(new SharedArrayBuffer(layout.length * 4));
  const table = new LeaseTable({ words, layout, thread: 0, notesChanges, onPinned });
  return { layout, words, table, keeper: new LeaseKeeper(words, layout) };
}

/** A key as a keyed hash would make it of a name. */
export function keyOf(name: string): LeaseKey {
  const mix = (seed: number) =>
    [...name].reduce((hash, character) => Math.imul(hash ^ character.charCodeAt(0), 0x01000193), seed) | 0;
  return [mix(0x811c9dc5), mix(1), mix(2), mix(3)];
}

export const termsOf = (more: Partial<LeaseTerms> = {}): LeaseTerms => ({
  slot: 3,
  generation: 1,
  mint: 7,
  exit: 'aaaaabbbbb',
  country: 'de',
  asn: 64_500,
  ttlMs: Number.POSITIVE_INFINITY,
  idleMs: Number.POSITIVE_INFINITY,
  strict: false,
  client: 'acme',
  session: 'cart42',
  ...more,
});

/** The exit in another slot. */
export const exitIn = (slot: number, more: Partial<LeaseTerms> = {}) => ({
  slot,
  generation: 1,
  mint: slot,
  exit: `exit${'abcdefghij'[slot % 10]}aaaaa`,
  country: 'de',
  asn: 64_500,
  ...more,
});
