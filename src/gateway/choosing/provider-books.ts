import { catalogue, type ErrorKind, GatewayError } from '../../errors.ts';
import { providerVerdict, tellsOfOrigin } from '../../selection/outcome.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Choice, Exchange } from '../exchange.ts';
import { isBelieved } from '../exit-words.ts';
import { poolNumbers } from './drawing.ts';

const NOBODY: readonly number[] = Object.freeze([]);

const kinds = Object.keys(catalogue) as ErrorKind[];

/** What a provider that is down failed with last, by the number that its row keeps. */
export const kindOf = (why: number): ErrorKind => kinds[why] ?? 'exit_failed';

/** An attempt that ended, to be booked to what carries its exit. */
interface Ended {
  readonly choice: Choice;
  readonly fault: unknown;
  /** The origin that it was for, and the row of its site. */
  readonly authority: string;
  readonly site: number;
}

/** Books to an exit's provider how an attempt over it failed: as its own failure, as a sign that it serves, or not at all. */
export function bookToProvider(deps: Collaborators, { choice, fault, authority, site }: Ended): void {
  const { providers } = deps.selection();
  const { slot, endpoint, entry } = choice;
  const verdict = fault instanceof GatewayError ? providerVerdict(fault) : 'nothing';
  if (verdict === 'nothing' || !(fault instanceof GatewayError)) return providers.left(entry);
  const now = deps.now();
  // The same goes for it as for its exits: it tells of origins, and that is no proof that it serves. Nor is what was found here.
  const isProof = fault.by !== 'origin' || (tellsOfOrigin(fault) && isBelieved(deps, choice, now));
  if (verdict === 'works') return isProof ? providers.worked(entry, site, now) : providers.left(entry);
  providers.failed(entry, {
    session: sessionOf(slot, endpoint.username ?? ''),
    sure: verdict === 'sure',
    site,
    othersWorkedAt: deps.rejections.workedAt(authority, slot),
    why: kinds.indexOf(fault.kind),
    now,
  });
}

/** The providers that an exchange had better not try again, by what it has tried: that whose own failure the last one was, and those
 *  over which two attempts have failed. None where no other would serve it. */
export function shunnedProviders(
  deps: Collaborators,
  exchange: Exchange,
  { tried, last }: { readonly tried: readonly number[]; readonly last: GatewayError | null },
): readonly number[] {
  if (tried.length === 0 || last === null) return NOBODY;
  const { providers } = deps.selection();
  const carriers = tried.map((slot) => providers.carrierOf(slot));
  const isSure = providerVerdict(last) === 'sure';
  const shunned = carriers.filter((row, index) => {
    const isLast = index === carriers.length - 1;
    return row !== 0 && ((isSure && isLast) || carriers.indexOf(row) < index);
  });
  return shunned.length === 0 || providers.hasOther(poolNumbers(deps, exchange), shunned) ? shunned : NOBODY;
}

/** Tells sessions of a provider apart: each has a slot, or a user name that was minted for it. */
function sessionOf(slot: number, username: string): number {
  let hash = slot;
  for (let index = 0; index < username.length; index++) hash = Math.imul(hash, 31) + username.charCodeAt(index);
  return hash | 0;
}
