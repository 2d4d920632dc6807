import { GatewayError } from '../../errors.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Choice, Exchange } from '../exchange.ts';

const NOWHERE: readonly string[] = Object.freeze([]);

/** A vendor that has let others in within this time in ms knows our account still. */
const LET_IN_MS = 30_000;

/** What an exchange asks of the vendor that did not let it in, where others were let in lately: places, as a user name writes them. Many
 *  vendors answer a place that they don't know with 407, or have hosts by place; an account that is closed lets nobody in. */
export function refusedPlaces(
  deps: Collaborators,
  { admission }: Exchange,
  { choice, fault, now }: { readonly choice: Choice; readonly fault: unknown; readonly now: number },
): readonly string[] {
  if (!(fault instanceof GatewayError) || (fault.kind !== 'exit_auth_failed' && fault.kind !== 'exit_dns'))
    return NOWHERE;
  const { slot, exit } = choice;
  if (admission === null || exit.mint === null || deps.exits.workedAgoMs(slot, now) >= LET_IN_MS) return NOWHERE;
  return [...exit.mint.open].flatMap((place) => {
    const asked = admission.filter[place];
    return asked === undefined ? [] : `${place}-${typeof asked === 'string' ? asked : asked.join('.')}`;
  });
}

/** The failure, with what it may be for: who reads of a credential alone looks for the fault in the wrong place. */
export function forPlaces(fault: GatewayError, places: readonly string[]): GatewayError {
  const { kind, by, proxyStatus, receivedStatus, isHearsay, isExitsWord } = fault;
  return new GatewayError(kind, {
    detail: `${fault.detail}; asked for ${places.join(' and ')}, it may not know that, as it lets others in`,
    by,
    proxyStatus,
    isHearsay,
    isExitsWord,
    ...(receivedStatus !== undefined && { receivedStatus }),
    cause: fault,
  });
}
