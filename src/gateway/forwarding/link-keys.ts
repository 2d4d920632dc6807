import type { Exit } from '../../pool/exit.ts';
import type { Choice } from '../exchange.ts';

/** A power of two. */
const PLACES = 8;

interface Made {
  readonly exit: Exit;
  /** Empty for a link that serves all origins. */
  readonly origin: string;
  readonly key: string;
}

/** The keys of the links that one login went by last. To make one of ten texts, and to look up a text that is new, takes longer than all
 *  else that a kept link needs. */
export class LinkKeys {
  /** By slot; null until there is one, for many logins never keep a link. */
  #made: (Made | null)[] | null = null;

  /** That of a link by this choice to an origin; undefined where it isn't known any more. */
  get({ exit, slot, endpoint }: Choice, origin: string): string | undefined {
    const made = this.#made?.[slot & (PLACES - 1)];
    // Another endpoint is minted for each session or attempt.
    return made?.exit === exit && made.origin === origin && endpoint === exit.endpoint ? made.key : undefined;
  }

  /** Remembers it, and returns it. */
  keep({ exit, slot, endpoint }: Choice, origin: string, key: string): string {
    if (endpoint !== exit.endpoint) return key;
    this.#made ??= new Array<Made | null>(PLACES).fill(null);
    this.#made[slot & (PLACES - 1)] = { exit, origin, key };
    return key;
  }
}
