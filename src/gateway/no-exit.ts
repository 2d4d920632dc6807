import { GatewayError } from '../errors.ts';
import type { Collaborators } from './collaborators.ts';
import type { Admission, Exchange } from './exchange.ts';

/** The site refuses every exit, for as long as the exchange could wait. */
export const allRefused = ({ authority }: Exchange): GatewayError =>
  new GatewayError('no_exit_for_target', { detail: `${authority?.host} refuses every exit for now` });

/** Guards keep every exit that fits from the site. */
export const noneRested = (): GatewayError =>
  new GatewayError('no_exit_for_target', {
    detail: 'every exit that fits rests from this site, or others use it there',
  });

/** There is no exit to take: no_exit where the pools have none at all, else no_exit_for_target with what rules them out. */
export function noExit(deps: Collaborators, admission: Admission): GatewayError {
  const { filter } = admission;
  const unfiltered = deps.registry.drawFrom({ pools: admission.pools });
  if (unfiltered.count === 0)
    return new GatewayError('no_exit', { detail: `pool ${admission.pools.join(', ')} has no exits` });
  return new GatewayError('no_exit_for_target', { detail: deps.registry.describe(filter) });
}
