import type { Config } from '../config/config.ts';
import type { RecentLookUp } from '../gateway/internal/recent-exchanges.ts';
import type { Ledger } from '../gateway/ledger.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import type { BoundAddress } from '../policy/own-addresses.ts';
import type { AccountName } from '../policy/quota-counts.ts';
import type { AppliedPools } from '../pool/catalogue.ts';
import type { ExitFilter } from '../pool/registry.ts';
import type { AccessRecord } from '../telemetry/access-record.ts';
import type { Capacity } from '../threads/capacity.ts';
import type { SharedMemory } from '../threads/shared-memory.ts';
import type { TunnelRelay } from '../threads/tunnel-relay.ts';
import type { PassedConnection } from '../threads/worker-messages.ts';
import type { Sockets } from '../transport/socket.ts';

export interface DataPlaneOptions {
  readonly config: Config;
  readonly pools: AppliedPools;
  readonly clients: readonly ClientRecord[];
  /** The keyed hash of a client's secret. */
  readonly hashSecret: (secret: string) => Buffer;
  /** Keys the names of sessions. Kept, so that they mean the same after a restart. */
  readonly sessionSecret: Uint8Array;
  /** When not all sessions came back from what was before; null where all did. */
  readonly sessionsLostSince: number | null;
  readonly capacity: Capacity;
  readonly relay: TunnelRelay;
  /** What clients are met and exits are dialled by. */
  readonly sockets: Sockets;
  /** Finds recent exchanges in all threads. */
  readonly lookUp: RecentLookUp;
  /** Told of filters whose list all threads should have: see PoolRegistry. */
  readonly wantList: (filter: ExitFilter) => void;
  /** Hands a connection to the worker that it names. */
  readonly pass: (connection: PassedConnection) => void;
  /** Where sockets of ours are bound beside the listeners: no exchange may reach them. */
  readonly own: readonly BoundAddress[];
  /** What this worker shares with the others, the number of this one, and how many they are. */
  readonly memory: SharedMemory;
  readonly worker: number;
  readonly workers: number;
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
  readonly log: { write(record: AccessRecord): void } | null;
  readonly ledger: Ledger;
  /** Told of counts of quotas that the disk may know: see QuotaCounts. */
  readonly meetQuota: (account: AccountName) => void;
  /** Tells operators something. */
  readonly notice: (line: string) => void;
  /** Tells a fault of our own in an exchange. */
  readonly tellFault: (id: string, fault: unknown) => void;
}
