/** What the control thread and its workers say to each other: whole values, which are copied on the way. */

import type { RecentFinding, RecentQuery } from '../gateway/internal/recent-exchanges.ts';
import type { ReportOutcome } from '../gateway/internal/report.ts';
import type { BookingBatch } from '../ledger/booking.ts';
import type { CertificatePair } from '../listener/certificate.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import type { BoundAddress } from '../policy/own-addresses.ts';
import type { AccountName } from '../policy/quota-counts.ts';
import type { AppliedPools, PoolsRecord } from '../pool/catalogue.ts';
import type { ExitFilter } from '../pool/exit-filter.ts';
import type { FilterList } from '../pool/filter-list.ts';
import type { Report } from '../protocol/report.ts';
import type { FailedAttempt } from '../signals/failure-ledger.ts';
import type { JudgedExit } from '../signals/verdict-ledger.ts';
import type { Capacity } from './capacity.ts';
import type { BoundListener, ListenerPlan } from './listener-plan.ts';
import type { SharedMemory } from './shared-memory.ts';

/** What a worker is born with (`workerData`). Secrets go this way only, never by command line or environment. */
export interface WorkerStart {
  /** From 0; the one that takes a dead one's place gets its number. */
  readonly worker: number;
  readonly workers: number;
  readonly memory: SharedMemory;
  readonly capacity: Capacity;
  /** Threads of the native relay; 0 to do without it. */
  readonly relayThreads: number;
  /** The key that clients' secrets are hashed under. */
  readonly secretKey: Uint8Array;
  /** Keys the names of sessions. */
  readonly sessionSecret: Uint8Array;
  /** When not all sessions came back from what was before, on the threads' clock; null where all did. */
  readonly sessionsLostSince: number | null;
  /** Where sockets of ours are bound beside the listeners. */
  readonly own: readonly BoundAddress[];
}

/** A connection on its way from one worker to another. */
export interface PassedConnection {
  /** The number of the worker that is to serve it. */
  readonly to: number;
  /** See Parking. */
  readonly ticket: number;
  /** The key of the listener that accepted it. */
  readonly listener: string;
  /** Whether it has served already, and rests between two requests. */
  readonly atRest: boolean;
}

/** Asked by the control thread, answered by the worker with the value of this name in WorkerAnswers. */
export type WorkerRequest =
  /** Once and first: binds the listeners and serves. */
  | {
      readonly kind: 'open';
      readonly plan: ListenerPlan;
      readonly pools: AppliedPools;
      readonly clients: readonly ClientRecord[];
    }
  /** Makes ready for another plan; `commit` or `abort` follows. */
  | { readonly kind: 'prepare'; readonly plan: ListenerPlan }
  /** The plan that was prepared holds, and with it these pools. */
  | { readonly kind: 'commit'; readonly pools: AppliedPools }
  | { readonly kind: 'abort' }
  /** Another version of all pools. */
  | { readonly kind: 'pools'; readonly pools: PoolsRecord }
  | { readonly kind: 'clients'; readonly clients: readonly ClientRecord[] }
  | { readonly kind: 'certificate'; readonly key: string; readonly pair: CertificatePair }
  /** A list of exits that some worker wanted. */
  | { readonly kind: 'list'; readonly list: FilterList }
  | { readonly kind: 'verdicts' }
  /** Attempts that failed over the exit in a slot. */
  | { readonly kind: 'failures'; readonly slot: number }
  /** About the exchanges that ran in this worker. */
  | { readonly kind: 'find'; readonly query: RecentQuery }
  | { readonly kind: 'claim'; readonly id: string }
  /** An operator's report on any exchange. */
  | { readonly kind: 'report'; readonly report: Report; readonly client: string | null }
  /** A connection that another worker accepted. */
  | { readonly kind: 'take'; readonly connection: PassedConnection }
  /** The answer to a question of the worker's own. */
  | { readonly kind: 'told'; readonly question: number; readonly answer: RecentAnswer }
  /** Posts what it has booked. */
  | { readonly kind: 'post' }
  /** Drains, and posts what it has booked before it answers. */
  | { readonly kind: 'stop'; readonly drainMs: number };

export interface WorkerAnswers {
  readonly open: readonly BoundListener[];
  readonly prepare: readonly BoundListener[];
  readonly commit: null;
  readonly abort: null;
  readonly pools: null;
  readonly clients: null;
  readonly certificate: null;
  readonly list: null;
  readonly verdicts: readonly JudgedExit[];
  readonly failures: readonly FailedAttempt[];
  readonly find: RecentFinding;
  readonly claim: boolean;
  readonly report: ReportOutcome;
  /** Whether it has the connection now. */
  readonly take: boolean;
  readonly told: null;
  readonly post: null;
  readonly stop: null;
}

/** What a worker asks of all workers. */
export type RecentQuestion = Extract<WorkerRequest, { kind: 'find' | 'claim' }>;
export type RecentAnswer = WorkerAnswers[RecentQuestion['kind']];

/** Why a request failed: a StartFault as it stands, anything else as its text. */
export interface WorkerFault {
  readonly exitCode: number;
  readonly lines: readonly string[];
}

export interface ToWorker {
  readonly id: number;
  readonly request: WorkerRequest;
}

export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly value: WorkerAnswers[keyof WorkerAnswers] }
  | { readonly kind: 'failure'; readonly id: number; readonly fault: WorkerFault }
  /** There are lines for the access log, which nobody looks for. */
  | { readonly kind: 'log' }
  /** What its exchanges have cost. */
  | { readonly kind: 'bookings'; readonly batch: BookingBatch }
  /** A count of a quota that the disk may know. */
  | { readonly kind: 'quota'; readonly account: AccountName }
  /** Something that operators should know. */
  | { readonly kind: 'notice'; readonly line: string }
  /** Asked of all workers; `told` brings the answer. */
  | { readonly kind: 'question'; readonly question: number; readonly about: RecentQuestion }
  /** For another worker, which has fewer. */
  | { readonly kind: 'pass'; readonly connection: PassedConnection }
  /** The list of this filter's exits is worth its making; `list` brings it to all workers. */
  | { readonly kind: 'want'; readonly filter: ExitFilter }
  /** A fault of our own in the exchange of this id. */
  | { readonly kind: 'fault'; readonly exchange: string; readonly text: string };
