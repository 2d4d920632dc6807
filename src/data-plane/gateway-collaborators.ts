import { FilterRings } from '../gateway/choosing/filter-rings.ts';
import { SessionUses } from '../gateway/choosing/session-uses.ts';
import { StandingCounts } from '../gateway/choosing/standing-counts.ts';
import { VendorAccounts } from '../gateway/choosing/vendor-accounts.ts';
import type { Collaborators } from '../gateway/collaborators.ts';
import { ExchangeLimits } from '../gateway/limits/exchange-limits.ts';
import { Flows } from '../gateway/limits/flows.ts';
import { SitePacing } from '../gateway/limits/site-pacing.ts';
import { QuotaBooks } from '../gateway/quotas/quota-books.ts';
import { Quotas } from '../gateway/quotas/quotas.ts';
import { RestingTunnels } from '../gateway/tunnels/resting-tunnels.ts';
import { VerifiedLogins } from '../gateway/verified-logins.ts';
import { AtomicWords } from '../memory/words.ts';
import { LimitCounts } from '../policy/limit-counts.ts';
import { LoginLimits } from '../policy/login-limits.ts';
import { QuotaCounts } from '../policy/quota-counts.ts';
import { ReportLimits } from '../policy/report-limits.ts';
import { RejectionLedger } from '../selection/blame.ts';
import { MuteExits } from '../selection/mute-exits.ts';
import type { SelectionTables } from '../selection/selection.ts';
import { ToldRefusals } from '../selection/told-refusals.ts';
import type { VerdictLedger } from '../signals/verdict-ledger.ts';
import type { Counters } from '../telemetry/counters.ts';
import { wallClockBy } from '../threads/clock.ts';
import { leaseKeyOf } from '../threads/lease-memory.ts';
import { createOperatorBars } from '../threads/operator-bars.ts';
import { placesOf } from '../threads/selection-memory.ts';
import { createExitGuards, createSiteSignals } from '../threads/signals.ts';
import { accessRecordOf } from './booking.ts';
import type { DataPlaneOptions } from './data-plane-options.ts';
import type { InForce } from './in-force.ts';
import { overloadOf } from './overload.ts';
import { requestIds } from './request-ids.ts';
import { SelectionLearner } from './selection-learner.ts';
import { SiteIndex } from './site-index.ts';

/** What stands in a worker, of which its exchanges get their collaborators. */
export interface CollaboratorParts
  extends Pick<
    Collaborators,
    'registry' | 'epochs' | 'leases' | 'failures' | 'dialler' | 'kept' | 'relay' | 'draining'
  > {
  readonly options: Omit<DataPlaneOptions, 'pools'>;
  readonly inForce: InForce;
  readonly tables: SelectionTables;
  readonly verdicts: VerdictLedger;
  readonly counters: Counters;
  /** Told of every exchange that is over and booked. */
  readonly booked: () => void;
}

/** All that an exchange passes through, for one worker. What a reload replaces is looked up in `inForce` each time. */
export function createCollaborators(parts: CollaboratorParts): Collaborators {
  const { options, inForce, tables, verdicts, counters, booked } = parts;
  const { registry, epochs, leases, failures, dialler, kept, relay, draining } = parts;
  const { sessionSecret, sessionsLostSince, memory, worker, now, tellFault, log, ledger, lookUp, meetQuota, notice } =
    options;
  const { logins, reports } = inForce.config.limits;
  const { rows, sites } = tables;
  const rings = new FilterRings();
  const counts = new LimitCounts(memory.limits, worker);
  const quotas = new Quotas({
    counts: new QuotaCounts(memory.limits, { now, wallTime: Date.now, met: meetQuota }),
    books: new QuotaBooks({ everyone: () => inForce.config.clientQuotas, directory: () => inForce.directory }),
    priceOf: (pool) => registry.pool(pool)?.price,
    now,
    wallTimeAt: wallClockBy(now),
    notice,
  });
  const index = new SiteIndex(sites, sessionSecret);
  const siteRowOf = (site: string, at: number) => index.rowOf(site, at);
  const selection = () => inForce.selection;
  const signals = createSiteSignals({
    blocks: () => inForce.blocks,
    learner: new SelectionLearner({ selection, verdicts, registry, rings, siteRowOf, now }),
    lookUp,
    reports: new ReportLimits(reports, memory.reports),
  });
  return {
    now,
    random: Math.random,
    newId: requestIds(),
    leaseKey: (client, session) => leaseKeyOf(sessionSecret, { client, session }),
    settings: () => inForce.settings,
    directory: () => inForce.directory,
    rules: () => inForce.rules,
    logins: new LoginLimits(logins, memory.logins),
    verified: new VerifiedLogins(),
    registry,
    exits: rows,
    epochs,
    selection,
    places: placesOf(memory.selection, rows, worker),
    rings,
    siteRowOf,
    leases,
    uses: new SessionUses({ leases, epochs, now }),
    mayBeLost: (lastsMs) => sessionsLostSince !== null && now() - sessionsLostSince < lastsMs,
    rejections: new RejectionLedger(),
    told: new ToldRefusals(),
    mute: new MuteExits(),
    dialler,
    kept,
    relay,
    signals,
    guards: createExitGuards({
      words: new AtomicWords(memory.guards),
      sites: signals.sites,
      secret: sessionSecret,
      generationOf: (slot) => rows.generationOf(slot),
      isMinted: (slot) => registry.exitAt(slot)?.mint != null,
      rules: () => inForce.config.guards,
    }),
    flows: new Flows({ counts, quotas, now }),
    resting: new RestingTunnels(),
    quotas,
    pacing: new SitePacing({ counts, rules: () => inForce.config.sitePacing, now }),
    exitMost: () => inForce.config.exitLimits,
    accounts: new VendorAccounts({ registry, counts, now }),
    limits: new ExchangeLimits({
      counts,
      everyone: () => inForce.config.clientLimits,
      now,
    }),
    bars: createOperatorBars(memory, { registry, sites: signals.sites, secret: sessionSecret }),
    failures,
    ledger,
    standings: new StandingCounts({ registry, exits: rows, now }),
    draining,
    overload: overloadOf({ waits: options.relay.waits, counters, now, rule: () => inForce.config.limits.overload }),
    begin: () => counters.begin(),
    book: (exchange, at) => {
      const record = accessRecordOf(exchange, { now: at, wallTime: Date.now() });
      const pool = record.pool === null ? undefined : registry.pool(record.pool)?.number;
      counters.end({ mode: exchange.mode, pool }, record);
      if (exchange.fault !== null) tellFault(exchange.id, exchange.fault);
      log?.write(record);
      ledger.ended(exchange, at);
      booked();
    },
  };
}
