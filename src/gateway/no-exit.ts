import { GatewayError } from '../errors.ts';
import type { Collaborators } from './collaborators.ts';
import type { Admission, Exchange } from './exchange.ts';
import type { Standings } from './standing-counts.ts';

/** The site refuses every exit, for as long as the exchange could wait. */
export function allRefused(deps: Collaborators, exchange: Exchange): GatewayError {
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
export function noExit(deps: Collaborators, exchange: Exchange, admission: Admission): GatewayError {
  const { total } = deps.registry.accountOf({ pools: admission.pools });
  if (total === 0) return new GatewayError('no_exit', { detail: `pool ${admission.pools.join(', ')} has no exits` });
  const detail = countsOf(deps, exchange, { admission, others: 'left out by the request' });
  return new GatewayError('no_exit_for_target', { detail });
}

/** How the exits stand that pass the exchange's filter. */
export function standingsOf(deps: Collaborators, exchange: Exchange, { filter }: Admission): Standings {
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
