import type { StoredStates } from '../keeping/operator-states.ts';
import type { BoundAddress } from '../policy/own-addresses.ts';
import type { Probing } from '../probing/probing.ts';
import type { PoolLoader } from '../sources/pool-loader.ts';
import type { Settings } from '../sources/settings.ts';
import type { Clients } from '../store/clients.ts';
import type { AccessLog } from '../telemetry/access-log.ts';
import type { Capacity } from '../threads/capacity.ts';
import type { Certificates } from '../threads/certificates.ts';
import type { TunnelRelay } from '../threads/tunnel-relay.ts';
import { SharedState } from '../workers/shared-state.ts';
import { effectiveWorkers } from '../workers/worker-count.ts';
import { WorkerGroup } from '../workers/worker-group.ts';

/** The workers, and what they share. */
export interface Running {
  readonly group: WorkerGroup;
  readonly shared: SharedState;
  /** Absent while the gateway starts. */
  readonly probing?: Probing;
}

/** What the workers are made of. */
export interface GroupParts {
  readonly settings: Settings;
  readonly loader: PoolLoader;
  readonly log: AccessLog | null;
  /** Where sockets of ours are bound beside the listeners. */
  readonly own: readonly BoundAddress[];
  readonly secretKey: Buffer;
  readonly epochOffsetS: number;
  readonly clients: Clients;
  readonly stored: StoredStates;
  readonly certificates: Certificates;
  readonly capacity: Capacity;
  readonly relay: TunnelRelay;
  readonly now: () => number;
}

/** Where they tell of themselves, and who closes them. */
export interface GroupHooks {
  readonly warn: (line: string) => void;
  readonly tellFault: (exchange: string, fault: string) => void;
  readonly onClose: (closer: () => unknown) => void;
}

/** Makes the workers and what they share; they don't run yet. */
export function makeGroup(parts: GroupParts, { warn, tellFault, onClose }: GroupHooks): Running {
  const { settings, loader, log, own, secretKey, epochOffsetS, clients, stored, certificates } = parts;
  const { capacity, relay, now } = parts;
  const { config } = settings;
  const workers = effectiveWorkers(config.workers, process.platform);
  const pools = loader.commit(loader.stageAll(settings));
  const shared = new SharedState({ workers, pools, config, stored, secretKey, epochOffsetS, now, warn });
  onClose(() => shared.stop());
  const group = new WorkerGroup({
    listOf: (filter) => loader.listOf(filter),
    start: {
      workers,
      memory: shared.memory,
      capacity,
      // Where this thread was refused the relay no other may have one: nobody would inherit its tunnels, or wait for them.
      relayThreads: relay.native === null ? 0 : config.relay.threads,
      secretKey,
      sessionSecret: shared.sessionSecret,
      sessionsLostSince: shared.sessionsLostSince,
      own: own.map(({ host, port }) => ({ host, port })),
    },
    // Who says how many wants as many. And tunnels in JavaScript would stay where they began.
    concentrate: config.workers === 'auto' && relay.native !== null,
    config,
    pools,
    shared,
    certificates: certificates.pairs,
    clients: clients.snapshotClients(),
    log,
    parking: relay.parking,
    tunnelsOutside: () => relay.native?.stats().tunnels ?? 0,
    countsOutside: (handle) => relay.native?.countsOf(handle) ?? null,
    now,
    warn,
    tellFault,
  });
  relay.native?.inherit((handle, outcome) => group.left.ended(handle, outcome));
  onClose(() => group.stop(0));
  return { group, shared };
}
