import { resolve } from 'node:path';
import {
  endingCertificates,
  failingSources,
  type Health,
  keepingFaults,
  refusedReload,
  standingFaults,
  stuckWorkers,
} from '../admin/health.ts';
import { providerText } from '../admin/provider-view.ts';
import { formatFault } from '../config/fault.ts';
import { countOf } from '../protocol/count-text.ts';
import type { CommandSpec, Given, Outcome } from './command-spec.ts';
import { exitCodes } from './exit-code.ts';
import { printable } from './printable.ts';
import { type Cell, formatFacts } from './table.ts';
import type { Workplace } from './workplace.ts';

/** The commands about the gateway as a whole. */
export const serviceCommands: readonly CommandSpec[] = [
  {
    path: 'start',
    summary: 'start the gateway here; SIGTERM drains it, SIGHUP re-reads config, pools and certificates',
    options: [{ flags: '--ready-file <file>', describe: 'written as JSON, with addresses and pid, once it serves' }],
    run: start,
  },
  {
    path: 'check-config',
    summary: 'find all faults of config and pools, as file:line:column',
    run: (_, workplace) => checkConfig(workplace),
  },
  {
    path: 'health',
    summary: 'ask the running gateway how it is',
    run: async (_, workplace) => healthOutcome((await workplace.run('health', {})).result),
  },
];

/** Loads the gateway only here: the other commands answer sooner without it. */
async function start(given: Given, { configFile, dataOverride }: Workplace): Promise<Outcome> {
  const { startGateway } = await import('../main.ts');
  const readyFile = given.text('readyFile');
  const { stopped } = await startGateway({
    configFile,
    dataFolder: dataOverride,
    readyFile: readyFile === undefined ? undefined : resolve(readyFile),
  });
  return { exitCode: await stopped };
}

function checkConfig(workplace: Workplace): Outcome {
  const { faults, warnings, pools, listeners, hasDemo } = workplace.settings();
  const remarks = warnings.map((warning) => `warning: ${printable(formatFault(warning))}`);
  const json = { ok: faults.length === 0, faults, warnings };
  if (faults.length > 0) {
    return { json, lines: faults.map((fault) => printable(formatFault(fault))), remarks, exitCode: exitCodes.misused };
  }
  const all = pools.pools();
  const exits = all.reduce((sum, pool) => sum + pool.exits, 0);
  const counts = [
    countOf(listeners, 'listener'),
    countOf(all.length, 'pool'),
    countOf(exits, 'exit') + (hasDemo ? " beside the demo's" : ''),
  ];
  return { json, lines: [`${printable(workplace.configFile)}: no faults (${counts.join(', ')})`], remarks };
}

function healthOutcome(health: Health): Outcome {
  const { status, pid, version, uptimeS, listeners, pools, providers, exchanges, connections } = health;
  const { relay, workers, store, ledger, quotas, reload, faults, certificates, sources } = health;
  const failing = sources.filter(({ failure }) => failure !== null);
  const ended = Object.entries(exchanges.byKind).map(([kind, count]) => `${kind} ${count}`);
  const facts: [string, Cell][] = [
    ['status', status],
    ['process', `${pid}, version ${version}, up for ${uptimeS} s`],
    ...listeners.map(({ name, host, port }): [string, Cell] => ['listener', `${name} on ${host} port ${port}`]),
    ...certificates.map(({ listener, endsAt }): [string, Cell] => ['certificate', `${listener}: ends at ${endsAt}`]),
    ...pools.map(({ name, exits, usable }): [string, Cell] => [
      'pool',
      `${name}: ${usable} of ${countOf(exits, 'exit')} usable`,
    ]),
    ...providers.map((one): [string, Cell] => ['provider', `${one.pool}: ${providerText(one)}`]),
    ['exchanges', `${exchanges.open} open; ended: ${ended.join(', ') || 'none'}`],
    ['connections', connections],
    ['relay', relay.kind === 'native' ? `native, ${relay.tunnels} tunnels` : `TypeScript: ${relay.why}`],
    [
      'workers',
      `${workers.running} running, ${workers.inFront} in front, ${workers.replaced} replaced; connections ${workers.connections.join(' + ')}`,
    ],
    ['store', store === 'ok' ? store : store.fault],
    [
      'ledger',
      typeof ledger === 'string' ? ledger : `${ledger.fault} (${countOf(ledger.waiting, 'booking')} in memory)`,
    ],
    ['quotas', quotas === 'ok' ? quotas : `${quotas.fault} (they hold all the same)`],
    ['reload', reload === 'ok' ? reload : 'refused: everything is as it was before'],
    ...(faults.length === 0 ? [] : [['faults', faults.length] satisfies [string, Cell]]),
    ...(failing.length === 0
      ? []
      : [['sources', `${failing.length} of ${sources.length} failing`] satisfies [string, Cell]]),
  ];
  // Whoever restarts what isn't healthy must not do so for a disk that is full: it serves.
  const isServing = status === 'ok' || status === 'degraded';
  return {
    json: health,
    lines: formatFacts(facts),
    remarks: [
      ...keepingFaults(health),
      ...stuckWorkers(health),
      ...refusedReload(health),
      ...standingFaults(health),
      ...failingSources(health).map(printable),
      ...endingCertificates(health),
    ],
    exitCode: isServing ? exitCodes.ok : exitCodes.notRunning,
  };
}
