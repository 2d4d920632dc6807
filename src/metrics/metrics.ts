import type { Health } from '../admin/health.ts';
import type { Probing } from '../probing/probing.ts';
import { blamed, endKinds, modes, phases } from '../telemetry/counter-columns.ts';
import type { CounterSnapshot } from '../telemetry/counters.ts';
import { exposition, type Family, type Labels } from '../telemetry/exposition.ts';
import { openDescriptors } from '../threads/capacity.ts';
import { relayHealthOf, type TunnelRelay } from '../threads/tunnel-relay.ts';
import type { LoopTime } from '../workers/loop-times.ts';
import type { SharedState } from '../workers/shared-state.ts';
import type { WorkerGroup } from '../workers/worker-group.ts';
import { ledgerFamilies, quotaFamilies } from './ledger-metrics.ts';
import { counter, gauge, histogram } from './metric-families.ts';
import { probeFamilies } from './probe-metrics.ts';
import { sourceFamilies } from './source-metrics.ts';

export interface MetricsSources {
  /** Null while the gateway starts: what it carries is then not told. */
  readonly running: {
    readonly group: WorkerGroup;
    readonly shared: SharedState;
    readonly probing?: Probing;
  } | null;
  readonly relay: TunnelRelay;
  /** Null where none is written. */
  readonly log: { readonly dropped: number; readonly failedWrites: number } | null;
  readonly version: string;
  /** Whether the last reload held. */
  readonly reload: Health['reload'];
  readonly faults: Health['faults'];
  readonly certificates: Health['certificates'];
  /** What exits are fetched from, the same under one name in one order. */
  readonly sources: Health['sources'];
  /** Descriptors that the process may have open, and connections that it serves at once. */
  readonly limits: { readonly descriptors: number; readonly connections: number };
}

/** What the gateway has done and how it is, as a page of metrics. All of it is read from shared memory and from the control
 *  thread's own figures: no worker is asked, and none waits. Labels are words of ours, and the names
 *  of pools, listeners, vendors' accounts, and of sources without what could be a credential. */
export function metricsPage(sources: MetricsSources): string {
  const { running, log, limits } = sources;
  const counters = running?.group.figures.counters;
  const dropped = (log?.dropped ?? 0) + (counters?.linesDropped ?? 0);
  return exposition([
    ...processFamilies(sources),
    counter('roundabout_access_log_dropped_lines_total', 'Lines of the access log that were lost.', dropped),
    counter(
      'roundabout_access_log_failed_writes_total',
      'Writes of the access log that the system refused.',
      log?.failedWrites ?? 0,
    ),
    ...sourceFamilies(sources.sources, Date.now()),
    ...(counters === undefined ? [] : exchangeFamilies(counters)),
    ...(running === null ? [] : [...carrierFamilies(running.group, limits.connections), ...stockFamilies(running)]),
  ]);
}

const LOOPS_HELP = 'Time that the event loop of each thread has worked (active) and waited for work (idle).';

function processFamilies(sources: MetricsSources): readonly Family[] {
  const { relay, version, limits, reload, faults, certificates } = sources;
  const { user, system } = process.cpuUsage();
  const carrier = relayHealthOf(relay);
  const { tunnels, pipes, descriptors } =
    carrier.kind === 'native' ? carrier : { tunnels: 0, pipes: 0, descriptors: 0 };
  const build = { version, node: process.version, relay: carrier.kind };
  const open = openDescriptors();
  return [
    gauge('roundabout_build_info', 'What runs: always 1.', { labels: build, value: 1 }),
    gauge(
      'roundabout_start_time_seconds',
      'When the process started, since the Unix epoch.',
      performance.timeOrigin / 1e3,
    ),
    counter('roundabout_cpu_seconds_total', 'Processor time of the process.', (user + system) / 1e6),
    gauge('roundabout_resident_memory_bytes', 'Memory that the process holds.', process.memoryUsage.rss()),
    gauge(
      'roundabout_config_last_reload_successful',
      'Whether the last reload of config and pools held (1), or was refused (0).',
      reload === 'ok' ? 1 : 0,
    ),
    gauge(
      'roundabout_reload_faults',
      'Faults for which single pools or certificates are as they were before they were read last.',
      faults.length,
    ),
    gauge(
      'roundabout_certificate_end_time_seconds',
      'When the certificate of a listener ends, since the Unix epoch; one that several use is told by the first.',
      ...certificates.map(({ listener, endsAt }) => ({ labels: { listener }, value: Date.parse(endsAt) / 1e3 })),
    ),
    gauge('roundabout_descriptors_open', 'Descriptors that the process has open.', ...(open === null ? [] : [open])),
    gauge('roundabout_descriptors_limit', 'Descriptors that it may have open.', limits.descriptors),
    gauge('roundabout_native_relay_tunnels', 'Tunnels that the native relay carries.', tunnels),
    gauge('roundabout_native_relay_pipes', 'Pipes of the native relay, two descriptors each.', pipes),
    gauge('roundabout_native_relay_descriptors', 'Descriptors that the native relay has open.', descriptors),
  ];
}

function exchangeFamilies(counters: CounterSnapshot): readonly Family[] {
  const { running, attempts, byMode } = counters;
  return [
    gauge('roundabout_exchanges_open', 'Exchanges under way.', running),
    counter(
      'roundabout_exchanges_total',
      'Exchanges that ended, by how the client asked and how they ended, as in the access log.',
      ...modes.flatMap((mode) => endKinds.map((kind) => ({ labels: { mode, kind }, value: byMode[mode].ended[kind] }))),
    ),
    counter(
      'roundabout_exchanges_cut_total',
      'Exchanges among them whose message was cut after its head.',
      ...modes.map((mode) => ({ labels: { mode }, value: byMode[mode].cut })),
    ),
    histogram(
      'roundabout_exchange_phase_seconds',
      'Time of ended exchanges until admitted, then until the exit confirmed or a response head came, then relayed.',
      ...modes.flatMap((mode) =>
        phases.map((phase) => ({ labels: { mode, phase }, value: byMode[mode].phases[phase] })),
      ),
    ),
    counter(
      'roundabout_exchange_bytes_total',
      'Octets of content and tunnels in exchanges that ended.',
      ...octetSamples(counters),
    ),
    counter(
      'roundabout_attempts_total',
      'Attempts of those exchanges, by how they ended.',
      ...endKinds.map((kind) => ({ labels: { kind }, value: attempts[kind] })),
    ),
    counter(
      'roundabout_connections_refused_total',
      'Connections refused for want of room, or closed before they had shown a login, to make some.',
      counters.connectionsRefused,
    ),
    counter(
      'roundabout_overload_refusals_total',
      'Exchanges, and TLS handshakes, refused because all of them waited too long for their worker.',
      counters.overloads,
    ),
  ];
}

function carrierFamilies(group: WorkerGroup, limit: number): readonly Family[] {
  const { running, inFront, replaced, connections } = group.workers;
  const byWorker = connections.map((value, worker) => ({ labels: { worker: `${worker + 1}` }, value }));
  const loops = group.figures.loops.flatMap((loop, worker) => loopSamples(`worker-${worker + 1}`, loop));
  const own = loopSamples('control', performance.eventLoopUtilization());
  return [
    gauge('roundabout_connections_open', "Clients' connections, those of tunnels included.", ...byWorker),
    gauge('roundabout_connections_limit', 'Connections that are served at once.', limit),
    gauge('roundabout_workers_running', 'Threads that carry traffic.', running),
    gauge('roundabout_workers_in_front', 'Those of them that have all new connections.', inFront),
    counter('roundabout_workers_replaced_total', 'Threads that died and were replaced.', replaced),
    counter('roundabout_event_loop_seconds_total', LOOPS_HELP, ...own, ...loops),
    histogram(
      'roundabout_event_loop_lag_seconds',
      'How late each worker came to a timer that it sets four times a second.',
      ...group.figures.lags.map((value, worker) => ({ labels: { thread: `worker-${worker + 1}` }, value })),
    ),
  ];
}

function stockFamilies({ group, shared, probing }: NonNullable<MetricsSources['running']>): readonly Family[] {
  const pools = shared.registry.pools();
  const { held, evicted, refused } = shared.sessions.figures;
  const counted = pools.flatMap(({ name: pool, number, exits }) => {
    const counters = group.figures.countersOf(number);
    return counters === null ? [] : [{ pool, counters, exits }];
  });
  return [
    gauge(
      'roundabout_pool_exits',
      'Exits of each pool.',
      ...counted.map(({ pool, exits }) => ({ labels: { pool }, value: exits })),
    ),
    gauge(
      'roundabout_provider_up',
      'Whether what carries many exits of a pool serves: 0 while it is down or comes back.',
      ...shared.providers.views().map(({ pool, provider, account, standing }) => {
        return { labels: { pool, provider, account }, value: standing === 'up' ? 1 : 0 };
      }),
    ),
    counter(
      'roundabout_pool_exchanges_total',
      'Exchanges that ended, by the pool of their last exit and who is to blame: nobody where all went well.',
      ...counted.flatMap(({ pool, counters }) =>
        blamed.map((by) => ({ labels: { pool, by }, value: counters.ended[by] })),
      ),
    ),
    counter(
      'roundabout_pool_bytes_total',
      'Octets of content and tunnels in those exchanges.',
      ...counted.flatMap(({ pool, counters }) => octetSamples(counters, { pool })),
    ),
    ...probeFamilies(probing, pools),
    ...ledgerFamilies(shared.ledger?.health ?? null),
    ...quotaFamilies(shared.quotas.health),
    gauge('roundabout_sessions_held', 'Sessions that hold an exit.', held),
    counter('roundabout_sessions_evicted_total', 'Sessions that had to end early for want of room.', evicted),
    counter('roundabout_sessions_refused_total', 'Sessions that found no room.', refused),
  ];
}

interface Octets {
  readonly clientToOrigin: number;
  readonly originToClient: number;
}

function octetSamples({ clientToOrigin, originToClient }: Octets, labels: Labels = {}) {
  return [
    { labels: { ...labels, direction: 'client_to_origin' }, value: clientToOrigin },
    { labels: { ...labels, direction: 'origin_to_client' }, value: originToClient },
  ];
}

function loopSamples(thread: string, { active, idle }: LoopTime) {
  return [
    { labels: { thread, state: 'active' }, value: active / 1e3 },
    { labels: { thread, state: 'idle' }, value: idle / 1e3 },
  ];
}
