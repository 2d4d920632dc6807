import type { GatewayError } from '../../errors.ts';
import type { Lease } from '../../memory/lease.ts';
import type { Exit } from '../../pool/exit.ts';
import { NO_ENTRY } from '../../selection/provider-health.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Admission } from '../exchange.ts';
import type { SiteBar } from './operator-bars.ts';
import { holdExit, isPinned, leasedExit, leaseLost } from './session-exit.ts';

/** An exit to take, with the lease that holds it and what its provider let it in by. */
export interface Taken {
  readonly slot: number;
  readonly exit: Exit;
  readonly lease: Lease | null;
  readonly entry: number;
}

/** What a session's exchange would take, and what that is judged by. */
interface Proposal {
  readonly own: Taken;
  /** The lease that it must leave, or null. */
  readonly lease: Lease | null;
  readonly excluded: readonly number[];
  readonly bar: SiteBar | null;
  /** How the last attempt failed. */
  readonly last: GatewayError | null;
}

/** Of exchanges of one session that choose at once the first one's choice holds for all that can use it. Throws session_lost or
 *  overloaded. */
export function agreed(deps: Collaborators, admission: Admission, proposal: Proposal): Taken {
  const { own } = proposal;
  const { providers } = deps.selection();
  let entry = own.entry;
  try {
    const held = heldExit(deps, admission, proposal);
    if (held === null || held.slot === own.slot) return held === null ? own : { ...held, entry };
    const other = providers.enter(held.slot);
    if (other === NO_ENTRY) return own;
    providers.left(entry);
    entry = other;
    return { ...held, entry };
  } catch (fault) {
    providers.left(entry);
    throw fault;
  }
}

/** The exit that the session holds once it was given this one; null where that is none, or none that can be used. */
function heldExit(
  deps: Collaborators,
  admission: Admission,
  { own, lease, excluded, bar, last }: Proposal,
): Omit<Taken, 'entry'> | null {
  const { filter, params } = admission;
  const { ttlMs } = params;
  const held = holdExit(deps, admission, { slot: own.slot, exit: own.exit, lease });
  const one = held === null ? null : leasedExit(deps, { lease: held, filter, excluded, bar, ttlMs });
  // Another exchange of a strict session may have succeeded meanwhile, over an exit that this one can't use.
  if (one === null && isPinned(held, admission)) throw leaseLost(deps, held, { bar, ttlMs, last });
  return one === null ? null : { ...one, lease: held };
}
