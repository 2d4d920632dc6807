import { createHash } from 'node:crypto';
import type { ResponsePlan } from '../../protocol/http-message.ts';
import type { Attempt } from '../attempt-run.ts';
import { hasServedSession } from '../choosing/session-exit.ts';
import type { Collaborators } from '../collaborators.ts';
import { authorityKey, type Choice, type Exchange } from '../exchange.ts';
import { bookRejection, charge, type Met } from '../exit-blame.ts';
import { isDoubtful, isFoundOut } from '../exit-words.ts';
import type { ExitLink } from './exit-link.ts';

/** Whether an answer is the failure of a gateway (RFC 9110 §15.6.3, §15.6.5) that may be the exit as well as one before the origin. It is
 *  no proof that the exit works: one that answers so at once, whatever it is asked for, would be the quickest of all. */
export const isBareFailure = ({ absoluteForm }: ExitLink, { status }: ResponsePlan): boolean =>
  (status === 502 || status === 504) && absoluteForm;

/** What silence is remembered as, among pages. */
const SILENCE = 'silence';

/** What becomes of silence, and of one request's answers that tell of a failure and not of whose it is: bare ones, and those that name a
 *  cause, which an origin can write as well as an exit. Pages fail as well, and a client may ask for many of those: so an exit is
 *  suspected by pages that another brought instead, or by several that nobody else was asked for, none of which it brought; and two that
 *  fail alike are believed. Silence counts only where another brought the page. */
export class PageFailures {
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #target: string;
  /** Whose failures other exits are asked about. */
  readonly #doubted: Choice[] = [];
  /** Over which nothing came. */
  readonly #silent: Choice[] = [];
  /** One of them is bare. */
  #hasAsked = false;

  constructor(deps: Collaborators, exchange: Exchange, target: string) {
    this.#deps = deps;
    this.#exchange = exchange;
    this.#target = target;
  }

  /** Takes in a bare failure. True where it is better asked of another exit, which `mayRepeat` must allow. */
  met({ choice, mayFollow }: Attempt, mayRepeat: boolean): boolean {
    // Two agree.
    if (this.#hasAsked) return false;
    if (mayFollow && mayRepeat && this.#isDoubtful(choice)) {
      this.#hasAsked = true;
      this.#doubted.push(choice);
      return true;
    }
    this.#suspect(choice);
    return false;
  }

  /** Takes in a failure that an answer named. `isAsked`: another exit is asked about it. */
  named(choice: Choice, isAsked: boolean): void {
    if (isAsked) this.#doubted.push(choice);
    else this.#suspect(choice);
  }

  /** Whether there was silence over another exit before. */
  get hasBeenSilent(): boolean {
    return this.#silent.length > 0;
  }

  /** Takes in silence over an exit. */
  silent(choice: Choice): void {
    this.#silent.push(choice);
  }

  /** An exit has brought what others failed with. */
  disproved(): void {
    for (const choice of this.#silent.splice(0)) {
      const met = this.#metBy(choice);
      if (this.#noteSilence(met)) charge(this.#deps, [choice.slot], met);
    }
    for (const choice of this.#doubted.splice(0)) {
      const met = this.#metBy(choice);
      if (this.#note(met, met.now)) charge(this.#deps, [choice.slot], met);
    }
  }

  /** Another exit isn't asked; if none was before, that says something of this one. */
  #suspect(choice: Choice): void {
    if (this.#doubted.length > 0) return;
    const met = this.#metBy(choice);
    if (this.#note(met, null)) bookRejection(this.#deps, { ...met, mayBeNew: true });
  }

  #isDoubtful(choice: Choice): boolean {
    const { authority, now } = this.#metBy(choice);
    // A session that was served moves by that, or is lost.
    if (hasServedSession(this.#deps, this.#exchange)) return isFoundOut(this.#deps, choice, now);
    return isDoubtful(this.#deps, { choice, authority, now });
  }

  #metBy(choice: Choice): Met {
    return { choice, authority: authorityKey(this.#exchange), now: this.#deps.now() };
  }

  /** Remembers the silence of an exit where another has brought the page, if its slot still holds it; returns whether it is charged. A site
   *  may close itself to an exit by silence, a page may be slow: it takes several sites since the exit last worked, or one where it
   *  stands for many. */
  #noteSilence({ choice: { slot, exit }, authority, now }: Met): boolean {
    const { registry, exits, told } = this.#deps;
    if (registry.exitAt(slot)?.id !== exit.id) return false;
    const workedAt = now - exits.workedAgoMs(slot, now);
    const site = this.#exchange.site ?? authority;
    told.note({ slot, authority: site, page: SILENCE, othersWorkedAt: null, workedAt, at: now });
    return exit.mint !== null || told.areTooMany(slot, workedAt);
  }

  /** Remembers the failure of an exit, if its slot still holds it; returns whether it is charged: by what others brought at once where it
   *  stands for many, which is never ejected for that but fails as often as they do; or else for too many since it last worked. */
  #note({ choice: { slot, exit }, authority, now }: Met, othersWorkedAt: number | null): boolean {
    const { registry, exits, told } = this.#deps;
    if (registry.exitAt(slot)?.id !== exit.id) return false;
    const workedAt = now - exits.workedAgoMs(slot, now);
    // Paths may be long, and are kept.
    const page = createHash('sha1').update(this.#target).digest('base64');
    told.note({ slot, authority, page, othersWorkedAt, workedAt, at: now });
    return (othersWorkedAt !== null && exit.mint !== null) || told.areTooMany(slot, workedAt);
  }
}
