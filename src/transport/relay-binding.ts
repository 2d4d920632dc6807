import { createRequire } from 'node:module';
import { systemCode } from '../system-code.ts';
import type { PollerBinding } from './poller-binding.ts';

/** What this program knows the addon by; see kLayout in native/binding.cpp. */
export const ADDON_LAYOUT = 1;

/** Fields of one record in what drain() fills; see native/binding.cpp. */
export const RECORD_FIELDS = 15;

/** What a record says happened (native/record.h). */
export const recordKind = { closed: 0, reset: 1, idle: 2, cut: 3, spent: 4 } as const;

/** The addon as it is loaded: the native relay, beside the sockets of a thread. Numbers in, numbers out. Handles are whole numbers below
 *  2^53 that name one tunnel of the process and never another; with one that has ended, or never was, nothing happens. */
export interface RelayBinding extends PollerBinding {
  /** ADDON_LAYOUT, where it was built of these sources. */
  readonly layout: number;
  /** Once per thread of JavaScript, before anything else. `notify` is called when records wait, and says no more. What a thread
   *  leaves behind when it ends goes to the heir. Threads and pipes count in the first call of the process. False where the system
   *  gives the relay no descriptors or threads: then it can't be used. */
  open(notify: () => void, isHeir: boolean, threads: number, pipes: number): boolean;
  /** Whether the event loop stays alive for records to come. */
  hold(on: boolean): void;
  /** Relays from then on between two descriptors: duplicates of them, but for those that `owned` names (bit 1 the client's, bit 2 the
   *  exit's), which are its own once it has succeeded. Returns a handle, or a negative errno, and then nothing has changed.
   *  `place` and `tag` come back with its records. `pace` in octets per second (0: none), `allowance` in octets (negative: none).
   *  From the first renewal on that is scarce the system holds no more than about `mostUnread` octets of the exit that nobody has read
   *  (0: as many as it likes). */
  adopt(
    clientFd: number,
    exitFd: number,
    reply: Buffer | undefined,
    earlyClient: Buffer | undefined,
    earlyExit: Buffer | undefined,
    place: number,
    tag: number,
    idleMs: number,
    pace: number,
    allowance: number,
    keepsBeginning: boolean,
    owned: number,
    mostUnread?: number,
  ): number;
  cut(handle: number): void;
  renew(handle: number, octets: number, scarce?: boolean): void;
  /** Whether the tunnel lives; then `into` holds the octets taken from each side. */
  counts(handle: number, into: Float64Array): boolean;
  /** Takes records that wait, as many as `into` has room for; returns how many. */
  drain(into: Float64Array): number;
  /** What the client of record `index` of the last drain sent first, up to 4 KiB, where `adopt` was told to keep it. */
  beginning(index: number): Buffer | undefined;
  /** Duplicates a descriptor, on its way from the worker of one number to that of another. Returns a ticket, or a negative errno. */
  park(fd: number, by: number, to: number): number;
  /** The descriptor of a ticket, which is the caller's from now on; -1 where another has claimed or dropped it. */
  claim(ticket: number): number;
  /** Closes the descriptor of a ticket; false where it was claimed or dropped before. */
  drop(ticket: number): boolean;
  /** The ticket has arrived: its descriptor outlives the worker that parked it. */
  heard(ticket: number): void;
  /** Closes what a worker that has ended had parked, and nobody has heard of. Returns to whom each was on its way. */
  bury(by: number): readonly number[];
  /** How many ms ago the last octets came that the connection of this descriptor brought, whether or not anyone has read them; -1
   *  where that isn't known. */
  waited(fd: number): number;
  /** Lets the system hold no more than about so many octets of this descriptor's connection that nobody has read. */
  bound(fd: number, octets: number): void;
  /** Has the system spread new connections over the first `count` of the sockets that listen where this one does, as it numbers them
   *  (native/reuse-port.h); over all with 0. Returns 0, or a negative errno where it can't. */
  spread(fd: number, count: number): number;
  /** The processor time of the calling thread, in ms. */
  cpuTime(): number;
  /** Of the whole process: live tunnels, pipes, most pipes so far, descriptors. */
  stats(into: Float64Array): void;
}

/** How a descriptor goes from one thread to another: exactly one has it at the end, or it is closed. */
export type Parking = Pick<RelayBinding, 'park' | 'heard' | 'claim' | 'drop' | 'bury'>;

/** How long what came over a connection has waited, and how much nobody has read. */
export type Waits = Pick<RelayBinding, 'waited' | 'unread' | 'bound'>;

/** What tells how much a thread has to do, and the system which one is to have more. */
export type Spreading = Pick<RelayBinding, 'spread' | 'cpuTime'>;

/** The native relay, or why it can't be had here. */
export type LoadedBinding = { readonly binding: RelayBinding } | { readonly why: string };

/** Loads what the install has built. Never throws. */
export function loadRelayBinding(): LoadedBinding {
  if (process.platform !== 'linux') return { why: `there is none for ${process.platform}` };
  try {
    const binding: RelayBinding = createRequire(import.meta.url)('../native/relay.node');
    if (binding.layout !== ADDON_LAYOUT) return { why: 'it was built of other sources (npm ci builds it anew)' };
    return { binding };
  } catch (cause) {
    if (systemCode(cause) === 'MODULE_NOT_FOUND')
      return { why: 'it was not built at the install (npm ci with a C++ compiler builds it)' };
    return { why: cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause) };
  }
}
