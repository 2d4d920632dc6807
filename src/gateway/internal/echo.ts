import { GatewayError } from '../../errors.ts';
import type { Exit } from '../../pool/exit.ts';
import { formatParams } from '../../protocol/params.ts';
import { limitLine } from '../../protocol/rate-limit-fields.ts';
import { poolsFor } from '../admission.ts';
import { mostOver, restingName } from '../choosing/exit-shares.ts';
import { findLease } from '../choosing/session-exit.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Admission, Exchange } from '../exchange.ts';

/** What was understood of the request's credential, the exit that its session holds, and what is left of all limits: with a `host`, of
 *  those too that hold for an exchange to it. */
export function echoOf(deps: Collaborators, exchange: Exchange, admission: Admission, host: string | null): object {
  const { client } = admission;
  return {
    client: client.name,
    params: formatParams(admission.params),
    listener: exchange.listener,
    protocol: exchange.mode,
    source: exchange.source,
    pools: poolsOf(deps, admission),
    defaultPool: deps.settings().defaultPool,
    exit: exitOf(deps, exchange, { admission, host }),
    limits: {
      reports: deps.signals.reports.left(client.name, deps.now()),
      client: deps.limits.statesOf(client).map(limitLine),
      quotas: deps.quotas.standings.viewsOf(client),
      exits: exitRules(deps, admission),
      ...(host !== null && { site: atSite(deps, admission, host) }),
    },
    requestId: exchange.id,
  };
}

const poolsOf = ({ registry }: Collaborators, { client }: Admission): readonly string[] =>
  client.pools.length > 0 ? client.pools : registry.pools().map(({ name }) => name);

/** How much exits may carry, by the rules about pools that the client may use. */
function exitRules(deps: Collaborators, admission: Admission) {
  const pools = poolsOf(deps, admission);
  return deps.exitMost().filter(({ pool }) => pool === undefined || pools.includes(pool));
}

/** What holds for an exchange to `host` with the request's credential: all limits of its client, and the site's pace. */
function atSite(deps: Collaborators, { client, params }: Admission, host: string) {
  const site = deps.signals.sites.of(host);
  const pools = poolsToUse(deps, { client, params });
  const pace = deps.pacing.at(host, site);
  const paced = [pace?.rate ?? null, pace?.exchanges ?? null].flatMap((cell) =>
    cell === null ? [] : [limitLine(deps.limits.stateOf(cell))],
  );
  return {
    name: site,
    client: deps.limits.statesAt(client, { pools, host, tag: params.tag, site }).map(limitLine),
    pace:
      pace === null
        ? null
        : {
            site: pace.name,
            limits: paced,
            exitIntervalS: pace.exitInterval === null ? null : pace.exitIntervalMs / 1_000,
            queue: pace.queue,
            waiting: deps.pacing.waitingBefore(pace, client.name),
            waitS: pace.waitMs / 1_000,
          },
  };
}

/** The pools that such an exchange would leave by; none where it would be refused. */
function poolsToUse(deps: Collaborators, identity: Pick<Admission, 'client' | 'params'>): readonly string[] {
  try {
    return poolsFor(deps, identity);
  } catch (fault) {
    if (fault instanceof GatewayError) return [];
    throw fault;
  }
}

/** The exit that the session holds, and what it may carry; null where it holds none. */
function exitOf(
  deps: Collaborators,
  exchange: Exchange,
  { admission, host }: { readonly admission: Admission; readonly host: string | null },
) {
  const slot = findLease(deps, admission)?.slot ?? -1;
  const exit = slot < 0 ? undefined : deps.registry.exitAt(slot);
  if (exit === undefined) return null;
  const most = mostOver(deps, slot);
  const left = Math.max(0, most - deps.exits.inFlightOf(slot));
  return {
    id: exit.id,
    pool: exit.pool,
    ...exit.geo,
    ...lifetimeOf(exit, admission),
    ...(Number.isFinite(most) && { exchanges: { quota: most, left } }),
    ...(host !== null && restOf(deps, exchange, { slot, host })),
  };
}

/** In how many seconds the exit may go to the site again, where it rests between two requests. */
function restOf(deps: Collaborators, exchange: Exchange, { slot, host }: { slot: number; host: string }) {
  const interval = deps.pacing.at(host, deps.signals.sites.of(host))?.exitInterval ?? null;
  const name = interval === null ? null : restingName(deps, exchange, slot);
  if (interval === null || name === null) return {};
  const { counts } = deps.limits;
  const { backInMs } = counts.figure(counts.cellOf(interval, name), deps.now());
  return { restS: Math.round(backInMs ?? 0) / 1_000 };
}

/** For how many seconds the session's address can be had, where its vendor gives it for so long and no longer. */
function lifetimeOf({ life }: Exit, { params }: Admission): { lifetimeS?: number } {
  const lifetimeMs = life?.lifetimeMs(params.ttlMs ?? null) ?? null;
  return lifetimeMs === null ? {} : { lifetimeS: lifetimeMs / 1000 };
}
