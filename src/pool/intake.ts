import type { NextCatalogue } from '../memory/catalogue-writer.ts';
import { MAX_SLOTS } from '../memory/slot-rows.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import { type IdWords, idWordsOf } from './digest.ts';
import { type ExitDraft, MINTS } from './exit-draft.ts';
import { type ExitTerms, internTerms } from './exit-terms.ts';
import { type Minting, mintingOf } from './minting.ts';
import { hashOfPassword, isSame, Repeats } from './repeats.ts';

/** Exits that leave keep their slots for one version, so half of all slots must do. */
const MAX_EXITS = MAX_SLOTS / 2;

/** What exits of one entry share. */
interface Shared {
  readonly terms: ExitTerms;
  readonly number: number;
  /** The beginning of what an id is made from, as JSON. */
  readonly prefix: string;
  readonly minting: Minting | null;
}

/** Takes exits into the next version of the catalogue: gives each its id, and drops those whose endpoint, credential included,
 *  their pool has named before. An id depends on all that tells an exit apart but its password; and on that as well, by 32 bits of a
 *  hash, where a pool has exits that differ in nothing else (some vendors put parameters there), but for the first of them. */
export class Intake {
  readonly #next: NextCatalogue;
  readonly #before: ReadonlySet<string>;
  readonly #repeats: Repeats;
  readonly #repeating = new Set<string>();
  /** By number of terms, for those that are compared again. */
  readonly #known = new Map<number, Shared>();
  #last: Shared | null = null;
  #duplicates = 0;
  #overflow = 0;

  /** `before` are the pools of which the version before had such exits. */
  constructor(next: NextCatalogue, before: ReadonlySet<string> = new Set()) {
    this.#next = next;
    this.#before = before;
    this.#repeats = new Repeats((slot) => this.#endpointIn(slot));
  }

  /** Exits that were named before. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Pools that have exits which differ in their passwords alone. */
  get repeating(): ReadonlySet<string> {
    return this.#repeating;
  }

  /** Exits for which there was no room. */
  get overflow(): number {
    return this.#overflow;
  }

  take(draft: ExitDraft): void {
    if (this.#next.count >= MAX_EXITS) {
      this.#overflow += 1;
      return;
    }
    const shared = this.#sharedOf(draft.terms);
    const identity = identityOf(draft, shared);
    const id = idWordsOf(`${identity},"0"]`);
    const holder = this.#next.slotOfId(id.high, id.low);
    if (holder >= 0) this.#takeAgain(draft, { shared, identity, first: id, holder });
    else if (!this.#takeAsBefore(draft, { shared, identity, first: id })) this.#add(draft, shared, id);
  }

  /** An exit that was one of several which differ in their passwords keeps its id where the first of them is gone: or it would take
   *  over what is known, and was said, of that one. */
  #takeAsBefore(
    draft: ExitDraft,
    { shared, identity, first }: { shared: Shared; identity: string; first: IdWords },
  ): boolean {
    const { facts, terms } = draft;
    if (facts === null || !this.#before.has(terms.pool)) return false;
    const former = this.#next.formerFactsOf(first.high, first.low);
    if (former !== null && isSame(former, facts)) return false;
    const own = idWordsOf(`${identity},"${passwordMark(facts)}"]`);
    const stood = this.#next.formerFactsOf(own.high, own.low);
    if (stood === null || !isSame(stood, facts)) return false;
    const endpoint = endpointOf(draft, shared);
    const group = this.#repeats.groupOf(first, -1);
    if (group.has(endpoint)) this.#duplicates += 1;
    else if (this.#next.slotOfId(own.high, own.low) >= 0) return false;
    else group.add(endpoint, this.#add(draft, shared, own));
    this.#repeating.add(terms.pool);
    return true;
  }

  /** An exit whose first id is taken: by itself, by one that differs in its password alone, or, hardly ever, by chance. */
  #takeAgain(
    draft: ExitDraft,
    { shared, identity, first, holder }: { shared: Shared; identity: string; first: IdWords; holder: number },
  ): void {
    const endpoint = endpointOf(draft, shared);
    const group = this.#repeats.groupOf(first, holder);
    if (group.has(endpoint)) {
      this.#duplicates += 1;
      return;
    }
    this.#repeating.add(draft.terms.pool);
    const former = draft.facts === null ? null : this.#next.formerFactsOf(first.high, first.low);
    if (draft.facts === null || former === null || !isSame(former, draft.facts)) {
      group.add(endpoint, this.#add(draft, shared, this.#ownId(identity, endpoint)));
      return;
    }
    // The first id was its own before, and another one came first this time.
    const other = this.#endpointIn(holder);
    const moved = this.#next.relist(holder, { terms: shared.number, facts: draft.facts }, this.#ownId(identity, other));
    group.add(endpoint, holder);
    group.add(other, moved);
  }

  /** The id of an exit of which others differ in their passwords. */
  #ownId(identity: string, endpoint: Endpoint): IdWords {
    const mark = passwordMark(endpoint);
    for (let number = 0; ; number += 1) {
      const id = idWordsOf(`${identity},"${number === 0 ? mark : `${mark}.${number}`}"]`);
      if (this.#next.slotOfId(id.high, id.low) < 0) return id;
    }
  }

  #add(draft: ExitDraft, { number }: Shared, { high, low }: IdWords): number {
    const row = { terms: number, idHigh: high, idLow: low };
    return draft.facts === null ? this.#next.mint(row, draft.session) : this.#next.list(row, draft.facts);
  }

  #sharedOf(terms: ExitTerms): Shared {
    if (this.#last?.terms === terms) return this.#last;
    const number = internTerms(this.#next, terms);
    const known = this.#known.get(number);
    const minting = terms.template === null ? null : mintingOf(terms.pool, terms.template);
    const parts = minting === null ? [terms.pool, terms.scheme] : minting.identity;
    const shared = known ?? { terms, number, prefix: JSON.stringify(parts).slice(0, -1), minting };
    this.#known.set(number, shared);
    this.#last = { ...shared, terms };
    return this.#last;
  }

  #endpointIn(slot: number): Endpoint {
    const shared = this.#known.get(this.#next.termsOf(slot));
    const minted = shared?.minting?.endpointOf(this.#next.sessionOf(slot));
    return minted ?? { scheme: shared?.terms.scheme ?? 'direct', ...this.#next.factsOf(slot) };
  }
}

/** What an exit's id depends on, but for its number, as the beginning of a JSON array. */
function identityOf({ facts, session, label, portVaries }: ExitDraft, { prefix }: Shared): string {
  if (facts === null) {
    const number = `${prefix},"${session === MINTS ? '' : session}"`;
    return label === '' ? number : `${number},${JSON.stringify(label)}`;
  }
  const { host, port, username = '' } = facts;
  const fixedPort = portVaries === true ? '' : port;
  return `${prefix},${JSON.stringify(host)},"${fixedPort}",${JSON.stringify(username)},${JSON.stringify(label)}`;
}

function endpointOf({ facts, session }: ExitDraft, { terms, minting }: Shared): Endpoint {
  if (facts === null && minting !== null) return minting.endpointOf(session);
  return { scheme: terms.scheme, host: '', port: 0, ...facts };
}

/** Tells exits apart that differ in their passwords, in whatever order they come. */
const passwordMark = (facts: { readonly password?: string }): string =>
  `p${(hashOfPassword(facts, 0) >>> 0).toString(36)}`;
