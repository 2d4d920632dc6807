import type { LeaseEntry, LeaseKey } from './lease.ts';
import type { LeaseChange } from './lease-keeper.ts';
import { elapsedBetween, type Moment } from './moment.ts';

/** Leases as bytes, the same in snapshots and in logs, little-endian. A batch is the moment at which its durations were taken (wall
 *  time, then monotonic, each a float64), then one change after another: octet 0 for an end, 1 for a lease, and the key; for a lease:
 *  mint, age, rest, end and idle time in ms (0: none), moves, autonomous system, time of holding the exit, all uint32; flags; country, exit's id, client
 *  and session, each an octet of length and UTF-8. */
const TIME_OCTETS = 16;
const KEY_OCTETS = 16;
const FIXED_OCTETS = 1 + KEY_OCTETS + 8 * 4 + 1;
const STRICT = 1;
const CONFIRMED = 2;
const FAILED = 4;

/** What a lease's bytes tell; the slot of its exit isn't among it. */
export type SavedLease = Omit<LeaseEntry, 'slot' | 'generation'>;
export type SavedChange = SavedLease | { readonly key: LeaseKey; readonly exit: null };

/** When a batch was taken; the start of the system is told beside it. */
export type BatchMoment = Omit<Moment, 'boot'>;

/** A batch of changes, taken at that moment. */
export function encodeLeases(
  changes: readonly (LeaseChange | SavedChange)[],
  { wallTime, systemMs }: BatchMoment,
): Uint8Array {
  const chunks = changes.map((change) => (change.exit === null ? endOctets(change.key) : leaseOctets(change)));
  const bytes = new Uint8Array(TIME_OCTETS + chunks.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, wallTime, true);
  view.setFloat64(8, systemMs, true);
  let at = TIME_OCTETS;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Reads a batch that was taken in that start of the system, with its durations as of `now`. Null where the bytes are no batch. */
export function decodeLeases(
  bytes: Uint8Array,
  { boot, now }: { readonly boot: string; readonly now: Moment },
): readonly SavedChange[] | null {
  if (bytes.length < TIME_OCTETS) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const taken = { wallTime: view.getFloat64(0, true), systemMs: view.getFloat64(8, true), boot };
  const elapsedMs = elapsedBetween(taken, now);
  if (!Number.isFinite(elapsedMs)) return null;
  const changes: SavedChange[] = [];
  let at = TIME_OCTETS;
  while (at < bytes.length) {
    const read = view.getUint8(at) === 0 ? readEnd(view, at) : readLease(view, { at, elapsedMs });
    if (read === null) return null;
    changes.push(read.change);
    at = read.next;
  }
  return changes;
}

function endOctets(key: LeaseKey): Uint8Array {
  const bytes = new Uint8Array(1 + KEY_OCTETS);
  putKey(new DataView(bytes.buffer), key);
  return bytes;
}

function leaseOctets(lease: SavedLease): Uint8Array {
  const encoder = new TextEncoder();
  const texts = [lease.country, lease.exit, lease.client, lease.session].map((text) => encoder.encode(text));
  const bytes = new Uint8Array(FIXED_OCTETS + texts.reduce((sum, text) => sum + 1 + text.length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  putKey(view, lease.key);
  const ends = lease.endsInMs === Number.POSITIVE_INFINITY ? 0 : Math.max(1, lease.endsInMs);
  const idle = lease.idleMs === Number.POSITIVE_INFINITY ? 0 : lease.idleMs;
  [lease.mint, lease.ageMs, lease.restedMs, ends, idle, lease.moves, lease.asn, lease.heldMs].forEach(
    (value, index) => {
      view.setUint32(1 + KEY_OCTETS + index * 4, value, true);
    },
  );
  const flags = (lease.strict ? STRICT : 0) | (lease.confirmed ? CONFIRMED : 0) | (lease.failed ? FAILED : 0);
  view.setUint8(FIXED_OCTETS - 1, flags);
  let at = FIXED_OCTETS;
  for (const text of texts) {
    view.setUint8(at, text.length);
    bytes.set(text, at + 1);
    at += 1 + text.length;
  }
  return bytes;
}

function putKey(view: DataView, key: LeaseKey): void {
  key.forEach((word, index) => {
    view.setInt32(1 + index * 4, word, true);
  });
}

interface ReadChange {
  readonly change: SavedChange;
  /** Where the next one begins. */
  readonly next: number;
}

function readEnd(view: DataView, at: number): ReadChange | null {
  const next = at + 1 + KEY_OCTETS;
  return next > view.byteLength ? null : { change: { key: readKey(view, at), exit: null }, next };
}

function readLease(view: DataView, { at, elapsedMs }: { at: number; elapsedMs: number }): ReadChange | null {
  if (view.getUint8(at) !== 1 || at + FIXED_OCTETS > view.byteLength) return null;
  const word = (index: number) => view.getUint32(at + 1 + KEY_OCTETS + index * 4, true);
  const texts: string[] = [];
  let next = at + FIXED_OCTETS;
  for (let i = 0; i < 4; i++) {
    if (next >= view.byteLength || next + 1 + view.getUint8(next) > view.byteLength) return null;
    const size = view.getUint8(next);
    texts.push(new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + next + 1, size)));
    next += 1 + size;
  }
  const [country = '', exit = '', client = '', session = ''] = texts;
  const flags = view.getUint8(at + FIXED_OCTETS - 1);
  const change: SavedLease = {
    key: readKey(view, at),
    exit,
    mint: word(0) | 0,
    ageMs: word(1) + elapsedMs,
    restedMs: word(2) + elapsedMs,
    endsInMs: word(3) === 0 ? Number.POSITIVE_INFINITY : word(3) - elapsedMs,
    idleMs: word(4) === 0 ? Number.POSITIVE_INFINITY : word(4),
    strict: (flags & STRICT) !== 0,
    confirmed: (flags & CONFIRMED) !== 0,
    failed: (flags & FAILED) !== 0,
    moves: word(5),
    country,
    asn: word(6),
    heldMs: word(7) + elapsedMs,
    client,
    session,
  };
  return { change, next };
}

function readKey(view: DataView, at: number): LeaseKey {
  const word = (index: number) => view.getInt32(at + 1 + index * 4, true);
  return [word(0), word(1), word(2), word(3)];
}
