import type { RelayHealth } from '../admin/health.ts';
import { NativeRelay } from '../transport/native-relay.ts';
import { loadRelayBinding, type Parking, type RelayBinding, type Waits } from '../transport/relay-binding.ts';

/** What carries the tunnels of this thread once both their sides are connected. */
export interface TunnelRelay {
  /** Null where the relay in TypeScript carries all of them. */
  readonly native: NativeRelay | null;
  /** Whatever carries the tunnels; null where there is none. */
  readonly addon: RelayBinding | null;
  /** How connections go from one worker to another; null where there is no addon. */
  readonly parking: Parking | null;
  /** Tells how long a request has waited; null where there is no addon. */
  readonly waits: Waits | null;
  /** Why there is no native one; empty where there is. */
  readonly why: string;
}

export interface TunnelRelayOptions {
  /** Threads of the native relay; 0 to do without it. */
  readonly threads: number;
  /** Pipes of the process at most. */
  readonly pipes: number;
  /** Whether what other threads leave behind comes here: true in the main thread. */
  readonly isHeir: boolean;
}

const SWITCHED_OFF = 'the config says relay: { threads: 0 }';
const NOTHING_GIVEN = 'the system gives it no descriptors or no threads';

/** The native relay where it is wanted and can be had. Once per thread. */
export function openTunnelRelay({ threads, pipes, isHeir }: TunnelRelayOptions): TunnelRelay {
  const loaded = loadRelayBinding();
  if ('why' in loaded)
    return { native: null, addon: null, parking: null, waits: null, why: threads === 0 ? SWITCHED_OFF : loaded.why };
  const { binding } = loaded;
  const found = { addon: binding, parking: binding, waits: binding };
  if (threads === 0) return { ...found, native: null, why: SWITCHED_OFF };
  const native = new NativeRelay({ binding, isHeir, threads, pipes });
  return native.isOpen ? { ...found, native, why: '' } : { ...found, native: null, why: NOTHING_GIVEN };
}

/** The same for the health page and the start banner. */
export function relayHealthOf({ native, why }: TunnelRelay): RelayHealth {
  return native === null ? { kind: 'typescript', why } : { kind: 'native', ...native.stats() };
}
