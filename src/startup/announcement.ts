import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Demo } from '../demo/demo.ts';
import { relayHealthOf, type TunnelRelay } from '../threads/tunnel-relay.ts';
import type { SharedState } from '../workers/shared-state.ts';
import type { WorkerGroup } from '../workers/worker-group.ts';
import { bannerLines } from './banner.ts';

export interface Announced {
  readonly group: WorkerGroup;
  readonly shared: SharedState;
  readonly config: Config;
  readonly admin: { readonly host: string; readonly port: number };
  readonly relay: TunnelRelay;
  readonly version: string;
  readonly demo: Demo | null;
  /** Of the demo's client, at the first start of all. */
  readonly demoSecret: string | null;
}

/** What is said once the gateway serves, line by line. */
export function announce({ group, shared, config, admin, relay, version, demo, demoSecret }: Announced): string[] {
  return bannerLines({
    version,
    pid: process.pid,
    listeners: group.bound.map((bound, i) => ({ ...bound, protocols: config.listeners[i]?.protocols ?? [] })),
    admin,
    pools: shared.registry.pools(),
    relay: relayHealthOf(relay),
    demo: demo?.origins ?? null,
    demoSecret,
    certificate: join(config.data, 'certificate.pem'),
  });
}
