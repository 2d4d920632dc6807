import type { NextCatalogue } from '../memory/catalogue-writer.ts';
import { MAX_SLOTS } from '../memory/slot-rows.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import { type IdWords, idWordsOf } from './digest.ts';
import { type ExitDraft, MINTS } from './exit-draft.ts';
import { type ExitTerms, internTerms } from './exit-terms.ts';
import { type Minting, mintingOf } from './minting.ts';
import { Repeats } from './repeats.ts';

/** Exits that leave keep their slots for one version, so half of all slots must do. */
export const MAX_EXITS = MAX_SLOTS / 2;

/** What exits of one entry share. */
interface Shared {
  readonly terms: ExitTerms;
  readonly number: number;
  /** The beginning of what an id is made from, as JSON. */
  readonly prefix: string;
  readonly minting: Minting | null;
}

/** Takes exits into the next version of the catalogue: gives each its id, and drops those whose endpoint, credential included,
 *  their pool has named before. An id depends on all that tells an exit apart but its password. */
export class Intake {
  readonly #next: NextCatalogue;
  readonly #repeats: Repeats;
  /** By number of terms, for those that are compared again. */
  readonly #known = new Map<number, Shared>();
  #last: Shared | null = null;
  #duplicates = 0;
  #overflow = 0;

  constructor(next: NextCatalogue) {
    this.#next = next;
    this.#repeats = new Repeats((slot) => this.#endpointIn(slot));
  }

  /** Exits that were named before. */
  get duplicates(): number {
    return this.#duplicates;
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
    if (holder < 0) this.#add(draft, shared, id);
    else this.#takeAgain(draft, { shared, identity, first: id, holder });
  }

  /** An exit whose first id is taken: by itself, by one that differs in its password alone (some vendors put parameters there),
   *  or, hardly ever, by chance. Those that differ are numbered as they come. */
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
    for (;;) {
      const id = idWordsOf(`${identity},"${group.nextNumber()}"]`);
      if (this.#next.slotOfId(id.high, id.low) >= 0) continue;
      group.add(endpoint, this.#add(draft, shared, id));
      return;
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
function identityOf({ facts, session, label }: ExitDraft, { prefix }: Shared): string {
  if (facts === null) {
    const number = `${prefix},"${session === MINTS ? '' : session}"`;
    return label === '' ? number : `${number},${JSON.stringify(label)}`;
  }
  const { host, port, username = '' } = facts;
  return `${prefix},${JSON.stringify(host)},"${port}",${JSON.stringify(username)},${JSON.stringify(label)}`;
}

function endpointOf({ facts, session }: ExitDraft, { terms, minting }: Shared): Endpoint {
  if (facts === null && minting !== null) return minting.endpointOf(session);
  return { scheme: terms.scheme, host: '', port: 0, ...facts };
}
