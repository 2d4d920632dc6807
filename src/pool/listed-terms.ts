import type { ExitScheme } from '../protocol/endpoint.ts';
import type { ExitTerms } from './exit-terms.ts';
import { type ListedExit, nowhere } from './list-formats/listed-exit.ts';

/** So many combinations of what a list says are remembered: where each exit has a place of its own, not all are. */
const REMEMBERED = 4096;

type Own = Partial<ExitTerms> & { readonly scheme: ExitScheme };

/** Makes the terms of a list's exits by `make`, once for those of which the list says the same. */
export function listedTerms(make: (own: Own) => ExitTerms): (exit: ListedExit) => ExitTerms {
  const known = new Map<string, ExitTerms>();
  return ({ endpoint: { scheme }, geo, name }) => {
    const key = geo === nowhere && name === null ? scheme : JSON.stringify([scheme, geo, name]);
    const former = known.get(key);
    if (former !== undefined) return former;
    const terms = make({ scheme, geo, ...(name === null ? {} : { name }) });
    if (known.size === REMEMBERED) known.clear();
    known.set(key, terms);
    return terms;
  };
}
