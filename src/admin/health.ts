import { countOf } from '../protocol/count-text.ts';
import { formatSpan } from '../protocol/units.ts';
import type { ProviderView } from './provider-view.ts';
import type { SourceView } from './source-view.ts';

/** How the gateway is, as one value for the health page, the control socket and the command line. */
export interface Health {
  /** `degraded`: it serves, but its store, ledger or quotas can't be kept, for the fault that is told there, a worker is
   *  stuck, or a source fails of which there is no copy that could serve. */
  readonly status: 'ok' | 'starting' | 'draining' | 'overloaded' | 'degraded';
  readonly pid: number;
  readonly version: string;
  readonly uptimeS: number;
  /** Where each listener is bound. */
  readonly listeners: readonly { readonly name: string; readonly host: string; readonly port: number }[];
  /** `usable` are the exits that are not ejected now. */
  readonly pools: readonly { readonly name: string; readonly exits: number; readonly usable: number }[];
  /** What carries exits and doesn't serve now, or not yet as before. */
  readonly providers: readonly ProviderView[];
  /** Exchanges under way, and how the others ended. */
  readonly exchanges: { readonly open: number; readonly byKind: Readonly<Record<string, number>> };
  /** Clients' connections, those of tunnels included. */
  readonly connections: number;
  readonly relay: RelayHealth;
  /** Data-plane threads, how many of them have all new connections, how many had to be replaced, which hang and can't be ended (a gateway
   *  that was started before an upgrade doesn't tell), and how the connections are spread over them. */
  readonly workers: {
    readonly running: number;
    readonly inFront: number;
    readonly replaced: number;
    readonly stuck?: readonly number[];
    readonly connections: readonly number[];
  };
  readonly store: 'ok' | { readonly fault: string };
  /** `fault`: bookings can't be written now, and so many wait in memory. */
  readonly ledger: 'ok' | 'off' | { readonly fault: string; readonly waiting: number };
  /** `fault`: what clients use of their quotas can't be kept now; the quotas hold all the same. */
  readonly quotas: 'ok' | { readonly fault: string };
  /** `fault`: why the last reload of config and pools was refused, so that everything is as it was before. */
  readonly reload: 'ok' | { readonly fault: string };
  /** What was wrong with pools, their lists and certificates that were read again by themselves: those are as they were before. */
  readonly faults: readonly string[];
  /** Those that listeners serve with now. */
  readonly certificates: readonly CertificateView[];
  /** What exits of pools are fetched from, and how that does. */
  readonly sources: readonly SourceView[];
}

/** A certificate, by the first listener that serves with it. */
export interface CertificateView {
  readonly listener: string;
  /** ISO 8601. */
  readonly endsAt: string;
  /** In words for people, when that is near or over; null before. */
  readonly ending: string | null;
}

/** What carries tunnels, and how many it does now. */
export type RelayHealth =
  | { readonly kind: 'native'; readonly tunnels: number; readonly pipes: number; readonly descriptors: number }
  | { readonly kind: 'typescript'; readonly why: string };

/** What can't be kept now, and why, in words for people; empty where all can. */
export function keepingFaults({
  store,
  ledger,
  quotas,
}: Pick<Health, 'store' | 'ledger' | 'quotas'>): readonly string[] {
  const faults: string[] = [];
  if (store !== 'ok') faults.push(`the store does not answer: ${store.fault}`);
  if (typeof ledger !== 'string')
    faults.push(`the ledger can't be written, ${countOf(ledger.waiting, 'booking')} in memory: ${ledger.fault}`);
  if (quotas !== 'ok')
    faults.push(`what clients use of their quotas can't be kept; the quotas hold all the same: ${quotas.fault}`);
  return faults;
}

/** Which workers hang for good, in words for people; empty where none does. */
export function stuckWorkers({ workers: { stuck = [] } }: Pick<Readiness, 'workers'>): readonly string[] {
  return stuck.map(
    (worker) => `worker ${worker + 1} hangs and can't be ended: its share of new connections waits until a restart`,
  );
}

/** Why the last reload was refused, in words for people; empty where it held. */
export function refusedReload({ reload }: Pick<Health, 'reload'>): readonly string[] {
  return reload === 'ok' ? [] : ['the last reload was refused:', ...reload.fault.split('\n')];
}

/** Why single pools or certificates are as they were before, in words for people; empty where none is. */
export function standingFaults({ faults }: Pick<Health, 'faults'>): readonly string[] {
  return faults.length === 0 ? [] : ['what was wrong when it was read last, and is as it was before:', ...faults];
}

/** Those sources that fail, and of which there is no copy: exits that pools name are missing. */
export function missingSources({ sources }: Pick<Health, 'sources'>): readonly SourceView[] {
  return sources.filter(({ failure, hasCopy }) => failure !== null && !hasCopy);
}

/** Which sources of exits fail, since when and why, in words for people; empty where none does. */
export function failingSources({ sources }: Pick<Health, 'sources'>): readonly string[] {
  return sources.flatMap(({ pool, source, hasCopy, exits, ageMs, failure, failingSince }) => {
    if (failure === null) return [];
    const what = ageMs === null ? 'unknown age' : `${formatSpan(ageMs)} ago (${countOf(exits ?? 0, 'exit')})`;
    const copy = hasCopy ? `its copy of ${what} serves` : 'there is no copy of it yet';
    return `pool ${pool}: ${source} fails since ${failingSince}: ${failure}; ${copy}`;
  });
}

/** Which certificates end soon or have ended, in words for people; empty where none does. */
export function endingCertificates({ certificates }: Pick<Health, 'certificates'>): readonly string[] {
  return certificates.flatMap(({ ending }) => ending ?? []);
}

/** What says whether the gateway should get traffic: balancers ask that often, and it looks at no exit. */
export type Readiness = Pick<Health, 'status' | 'listeners'> & { readonly workers: Pick<Health['workers'], 'stuck'> };

/** Why the gateway should get no traffic now, in words for people; empty where it is ready. One that is overloaded is ready: it
 *  answers, and without it the others would have even more to do. So is one that is degraded, unless some wait for ever. */
export function unreadyReasons({ status, listeners, workers }: Readiness): readonly string[] {
  const reasons: string[] = [];
  if (status === 'starting') reasons.push('the gateway is starting');
  if (status === 'draining') reasons.push('the gateway is draining');
  if (status !== 'starting' && listeners.length === 0) reasons.push('no listener is bound');
  // While it drains all wait for them anyway.
  if (status !== 'draining') reasons.push(...stuckWorkers({ workers }));
  return reasons;
}
