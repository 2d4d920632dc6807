/** What the control thread and its workers say to each other: whole values, which are copied on the way. */

import type { CertificatePair } from '../listener/certificate.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import type { Capacity } from './capacity.ts';
import type { Plan } from './data-plane.ts';
import type { ExitFigures } from './exit-figures.ts';
import type { BoundListener } from './listener-plan.ts';
import type { SharedMemory } from './shared-memory.ts';

/** What a worker is born with (`workerData`). Secrets go this way only, never by command line or environment. */
export interface WorkerStart {
  /** From 0; the one that takes a dead one's place gets its number. */
  readonly worker: number;
  readonly workers: number;
  readonly memory: SharedMemory;
  readonly capacity: Capacity;
  /** The key that clients' secrets are hashed under. */
  readonly secretKey: Uint8Array;
  /** Keys the names of sessions. */
  readonly sessionSecret: Uint8Array;
  /** Where the admin listener is bound. */
  readonly admin: { readonly host: string; readonly port: number };
}

/** Asked by the control thread, answered by the worker with the value of this name in WorkerAnswers. */
export type WorkerRequest =
  /** Once and first: binds the listeners and serves. */
  | { readonly kind: 'open'; readonly plan: Plan; readonly clients: readonly ClientRecord[] }
  /** Makes ready for another plan; `commit` or `abort` follows. */
  | { readonly kind: 'prepare'; readonly plan: Plan }
  | { readonly kind: 'commit' }
  | { readonly kind: 'abort' }
  | { readonly kind: 'clients'; readonly clients: readonly ClientRecord[] }
  | { readonly kind: 'certificate'; readonly key: string; readonly pair: CertificatePair }
  | { readonly kind: 'exits' }
  /** Drains, and hands over the rest of its log before it answers. */
  | { readonly kind: 'stop'; readonly drainMs: number };

export interface WorkerAnswers {
  readonly open: readonly BoundListener[];
  readonly prepare: readonly BoundListener[];
  readonly commit: null;
  readonly abort: null;
  readonly clients: null;
  readonly certificate: null;
  readonly exits: readonly ExitFigures[];
  readonly stop: null;
}

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
  /** Whole lines of the access log. */
  | { readonly kind: 'log'; readonly lines: string; readonly octets: number }
  /** A fault of our own in the exchange of this id. */
  | { readonly kind: 'fault'; readonly exchange: string; readonly text: string };
