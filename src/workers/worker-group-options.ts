import type { Config } from '../config/config.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import type { AppliedPools } from '../pool/catalogue.ts';
import type { CertificatePairs } from '../threads/certificates.ts';
import type { WorkerStart } from '../threads/worker-messages.ts';
import type { LeftTunnelsOptions } from './left-tunnels.ts';
import type { SharedState } from './shared-state.ts';
import type { spawnWorker } from './worker-thread.ts';
import type { WorkerThreadsOptions } from './worker-threads.ts';

export interface WorkerGroupOptions
  extends Pick<WorkerThreadsOptions, 'listOf' | 'parking' | 'tunnelsOutside'>,
    Pick<LeftTunnelsOptions, 'countsOutside'> {
  /** What every worker is born with. */
  readonly start: Omit<WorkerStart, 'worker'>;
  /** Whether as few workers as will do have all new connections; otherwise all have. */
  readonly concentrate: boolean;
  readonly config: Config;
  readonly pools: AppliedPools;
  readonly shared: SharedState;
  readonly certificates: CertificatePairs;
  readonly clients: readonly ClientRecord[];
  readonly log: { writeLines(lines: string): void } | null;
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
  readonly warn: (line: string) => void;
  /** Tells a fault of our own in an exchange. */
  readonly tellFault: (exchange: string, fault: string) => void;
  readonly spawn?: typeof spawnWorker;
}

/** What a reload brings. */
export interface Reload {
  readonly config: Config;
  readonly certificates: CertificatePairs;
  readonly commitPools: () => AppliedPools;
}
