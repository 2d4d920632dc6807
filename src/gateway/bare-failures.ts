import { createHash } from 'node:crypto';
import type { ResponsePlan } from '../protocol/http-message.ts';
import type { Attempt } from './attempt-run.ts';
import type { Collaborators } from './collaborators.ts';
import { authorityKey, type Choice, type Exchange } from './exchange.ts';
import { bookRejection, charge, type Met } from './exit-blame.ts';
import type { ExitLink } from './exit-link.ts';
import { isDoubtful, isFoundOut } from './exit-words.ts';

/** Whether an answer is the failure of a gateway (RFC 9110 §15.6.3, §15.6.5) that may be the exit as well as one before the origin. It is
 *  no proof that the exit works: one that answers so at once, whatever it is asked for, would be the quickest of all. */
export const isBareFailure = ({ absoluteForm }: ExitLink, { status }: ResponsePlan): boolean =>
  (status === 502 || status === 504) && absoluteForm;

/** What becomes of one request's answers that tell of a failure and not of whose it is. Pages fail as well, and a client may ask for
 *  many of those: so an exit is suspected by pages that another brought instead, or by several that nobody else was asked for, none
 *  of which it brought; and two that fail alike are believed. */
export class BareFailures {
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #target: string;
  /** Whose failure is asked of another exit. */
  #doubted: Choice | null = null;

  constructor(deps: Collaborators, exchange: Exchange, target: string) {
    this.#deps = deps;
    this.#exchange = exchange;
    this.#target = target;
  }

  /** Takes in a failure. True where it is better asked of another exit, which `mayRepeat` must allow. */
  met({ choice, mayFollow }: Attempt, mayRepeat: boolean): boolean {
    // Two agree.
    if (this.#doubted !== null) return false;
    if (mayFollow && mayRepeat && this.#isDoubtful(choice)) {
      this.#doubted = choice;
      return true;
    }
    const met = this.#metBy(choice);
    if (this.#note(met, null)) bookRejection(this.#deps, { ...met, mayBeNew: true });
    return false;
  }

  /** An exit has brought what another one failed with. */
  disproved(): void {
    const choice = this.#doubted;
    if (choice === null) return;
    this.#doubted = null;
    const met = this.#metBy(choice);
    if (this.#note(met, met.now)) charge(this.#deps, [choice.slot], met);
  }

  #isDoubtful(choice: Choice): boolean {
    const { authority, now } = this.#metBy(choice);
    // A session moves by that, or is lost.
    if (this.#exchange.admission?.leaseKey != null) return isFoundOut(this.#deps, choice, now);
    return isDoubtful(this.#deps, { choice, authority, now });
  }

  #metBy(choice: Choice): Met {
    return { choice, authority: authorityKey(this.#exchange), now: this.#deps.now() };
  }

  /** Remembers the failure of an exit, if its slot still holds it; returns whether there were too many since it last worked. */
  #note({ choice: { slot, exit }, authority, now }: Met, othersWorkedAt: number | null): boolean {
    const { registry, exits, told } = this.#deps;
    if (registry.exitAt(slot)?.id !== exit.id) return false;
    const workedAt = now - exits.workedAgoMs(slot, now);
    // Paths may be long, and are kept.
    const page = createHash('sha1').update(this.#target).digest('base64');
    told.note({ slot, authority, page, othersWorkedAt, workedAt, at: now });
    return told.areTooMany(slot, workedAt);
  }
}
