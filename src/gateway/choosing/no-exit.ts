import { GatewayError } from '../../errors.ts';
import { ProviderWord } from '../../memory/provider-rows.ts';
import { HOLD } from '../../selection/request.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Admission, Exchange } from '../exchange.ts';
import { poolNumbers } from './drawing.ts';
import type { ExitShare } from './exit-shares.ts';
import { kindOf } from './provider-books.ts';
import type { Standings } from './standing-counts.ts';

/** A provider that is down comes back within seconds, or not soon. */
const DOWN_RETRY_S = 2;

/** An account has room again as soon as one of its exchanges ends, or within a second. */
const ACCOUNT_RETRY_S = 1;

/** For as long as the exchange could wait the site refused every exit, no exit's turn came, accounts were at their limits, or
 *  providers that come back had no place for it. */
export function heldTooLong(deps: Collaborators, exchange: Exchange): GatewayError {
  const { providers } = deps.selection();
  if (providers.anyClosed && providers.wayInto(poolNumbers(deps, exchange)) !== 'open')
    return new GatewayError('no_exit', {
      detail: 'the provider of every exit comes back by and by',
      retryAfterS: DOWN_RETRY_S,
    });
  if (exchange.atAccountLimit)
    return new GatewayError('no_exit_for_target', {
      detail: "every exit that could be taken is of a vendor's account that is at its limit",
      retryAfterS: ACCOUNT_RETRY_S,
    });
  const interval = exchange.pace?.exitInterval ?? null;
  if (interval !== null)
    return new GatewayError('rate_limited', { detail: `${interval.name}: no exit's turn came in time` });
  const { admission, authority } = exchange;
  const why = `${authority?.host} refuses every exit for now`;
  const counts = admission === null ? '' : `: ${countsOf(deps, exchange, { admission, others: 'cooling' })}`;
  return new GatewayError('no_exit_for_target', { detail: why + counts });
}

/** Guards keep every exit that fits from the site. */
export const noneRested = (): GatewayError =>
  new GatewayError('no_exit_for_target', {
    detail: 'every exit that fits rests from this site, or others use it there',
  });

/** There is no exit to take: no_exit where the pools have none at all, else no_exit_for_target with what rules them out. */
function noExit(deps: Collaborators, exchange: Exchange, admission: Admission): GatewayError {
  const { total } = deps.registry.accountOf({ pools: admission.pools });
  if (total === 0) return new GatewayError('no_exit', { detail: `pool ${admission.pools.join(', ')} has no exits` });
  const detail = countsOf(deps, exchange, { admission, others: 'left out by the request' });
  return new GatewayError('no_exit_for_target', { detail });
}

/** How the exits stand that pass the exchange's filter. */
function standingsOf(deps: Collaborators, exchange: Exchange, { filter }: Admission): Standings {
  return deps.standings.of(filter, { site: exchange.authority?.host ?? '', bar: deps.bars.at(exchange) });
}

/** `0 of 214 usable; 198 cooling; 16 in other countries`: counts, and nothing that a client may not know. `others` says what is the
 *  matter with those that pass and that nobody has closed. */
function countsOf(
  deps: Collaborators,
  exchange: Exchange,
  { admission, others }: { readonly admission: Admission; readonly others: string },
): string {
  const account = deps.registry.accountOf(admission.filter);
  const { open, frozen, draining, closedHere } = standingsOf(deps, exchange, admission);
  const disabled = deps.registry.accountOf({ pools: admission.disabled ?? [] }).total;
  const standing = [
    [open, others],
    [frozen, 'frozen'],
    [closedHere, 'closed for this site'],
    [draining, 'draining'],
  ] as const;
  const told = standing.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
  const off = disabled === 0 ? [] : [`${disabled} in disabled pools`];
  return [`0 of ${account.total + disabled} usable`, ...told, ...account.others, ...off].join('; ');
}

/** Why there is no exit to take: providers that are down, what limits the use of exits, or whatever rules them out; HOLD where it is
 *  worth waiting for one. */
export function noneToTake(
  deps: Collaborators,
  exchange: Exchange,
  { admission, guard }: { readonly admission: Admission; readonly guard: ExitShare | null },
): GatewayError | typeof HOLD {
  const { providers } = deps.selection();
  if (providers.anyClosed && providers.wayInto(poolNumbers(deps, exchange)) === 'down')
    return new GatewayError('no_exit', {
      detail: `every exit of pool ${admission.pools.join(', ')} is of a provider that is down`,
      retryAfterS: DOWN_RETRY_S,
    });
  const none = standingsOf(deps, exchange, admission).open === 0;
  if (guard !== null && !none) {
    if (guard.waits()) return HOLD;
    const rested = guard.none();
    if (rested !== null) return rested;
  }
  if (none || !providers.anyClosed) return noExit(deps, exchange, admission);
  return new GatewayError('no_exit_for_target', {
    detail: countsOf(deps, exchange, { admission, others: 'of a provider that is down' }),
    retryAfterS: DOWN_RETRY_S,
  });
}

/** How the provider failed that carries the exit in `slot`, and is down. */
export function providerDown(deps: Collaborators, slot: number): GatewayError {
  const { providers } = deps.selection();
  const kind = kindOf(providers.rows.get(providers.providerOf(slot), ProviderWord.why));
  return new GatewayError(kind, { detail: "the exit's provider is down" });
}
