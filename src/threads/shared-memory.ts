import { randomBytes } from 'node:crypto';
import { createOctetRing } from '../memory/octet-ring.ts';
import { OwnSockets } from '../memory/own-sockets.ts';
import { SWITCH_WORDS } from '../memory/pool-switches.ts';
import { SITE_BAN_WORDS } from '../memory/site-bans.ts';
import { AtomicWords } from '../memory/words.ts';
import { WorkerLoad } from '../memory/worker-load.ts';
import { createLimitMemory, type LimitMemory } from '../policy/limit-counts.ts';
import { createLoginMemory, type LoginMemory } from '../policy/login-limits.ts';
import { createReportMemory, type ReportMemory } from '../policy/report-limits.ts';
import { Counters } from '../telemetry/counters.ts';
import { createEpochMemory, type EpochMemory } from './epoch-memory.ts';
import { leaseWords } from './lease-memory.ts';
import { createSelectionMemory, type SelectionMemory } from './selection-memory.ts';
import { GUARD_WORDS } from './signals.ts';

/** What may wait of one worker's lines: some 4,500, what a worker that does nothing but forward writes in 0.3 s. A ring's memory is
 *  all in use once it has gone round. */
const LOG_BYTES = 2 * 1_024 * 1_024;

/** Octets that the log must take while its file is written: what all rings may bring at one look, and what they brought before. */
export const logRoomOf = (workers: number): number => 2 * workers * LOG_BYTES;

/** What all threads share, as a plain record that can be handed to a thread. */
export interface SharedMemory {
  /** See WorkerLoad. */
  readonly load: SharedArrayBuffer;
  /** The lines of each worker on their way to the access log, by number; see OctetRing. */
  readonly logs: readonly SharedArrayBuffer[];
  /** See Counters.overAll. */
  readonly counters: SharedArrayBuffer;
  /** See OwnSockets. */
  readonly ownSockets: SharedArrayBuffer;
  readonly ownSocketsSeed: number;
  readonly logins: LoginMemory;
  readonly reports: ReportMemory;
  /** See lease-memory.ts. */
  readonly leases: SharedArrayBuffer;
  readonly selection: SelectionMemory;
  readonly limits: LimitMemory;
  /** See id-epochs.ts. */
  readonly epochs: EpochMemory;
  /** See createExitGuards. */
  readonly guards: SharedArrayBuffer;
  /** See SiteBans and PoolSwitches. */
  readonly siteBans: SharedArrayBuffer;
  readonly poolSwitches: SharedArrayBuffer;
}

/** Makes it, all zeros, for so many workers; see EpochMemory for the offset. */
export function createSharedMemory(workers: number, epochOffsetS: number): SharedMemory {
  const words = (count: number) => new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT);
  return {
    load: words(WorkerLoad.wordsFor(workers)),
    logs: Array.from({ length: workers }, () => createOctetRing(LOG_BYTES)),
    counters: new SharedArrayBuffer(workers * Counters.columns * Float64Array.BYTES_PER_ELEMENT),
    ownSockets: words(OwnSockets.wordsFor(workers)),
    ownSocketsSeed: randomBytes(4).readInt32LE(),
    logins: createLoginMemory(randomBytes(32)),
    reports: createReportMemory(randomBytes(32)),
    leases: words(leaseWords()),
    selection: createSelectionMemory(workers),
    limits: createLimitMemory(workers, randomBytes(32)),
    epochs: createEpochMemory(epochOffsetS),
    guards: words(GUARD_WORDS),
    siteBans: words(SITE_BAN_WORDS),
    poolSwitches: words(SWITCH_WORDS),
  };
}

/** Gives back what a worker held when it died. Whatever a worker takes in shared memory is given back here. */
export function releaseWorker(memory: SharedMemory, worker: number): void {
  new WorkerLoad(new AtomicWords(memory.load)).release(worker);
  OwnSockets.release(new AtomicWords(memory.ownSockets), worker);
  Counters.of(memory.counters, worker).release();
}
