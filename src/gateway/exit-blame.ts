import type { Collaborators } from './collaborators.ts';
import type { Choice } from './exchange.ts';

/** What an exit did with a request for an origin, `now`. */
export interface Met {
  readonly choice: Choice;
  readonly authority: string;
  readonly now: number;
}

/** The exit has reached the origin: whoever couldn't is charged with that. */
export function bookReached(deps: Collaborators, { choice, authority, now }: Met): void {
  charge(deps, deps.rejections.succeeded(authority, choice.slot, now), { authority, now });
}

/** The exit has not reached the origin, and only what others see of that can tell why. `mayBeNew`: the origin may have brought it about
 *  since they saw it. */
export function bookRejection(
  deps: Collaborators,
  { choice, authority, now, mayBeNew }: Met & { readonly mayBeNew: boolean },
): void {
  const endpoint = `${choice.endpoint.host}:${choice.endpoint.port}`;
  const guilty = deps.rejections.rejected(authority, { slot: choice.slot, endpoint, mayBeNew }, now);
  charge(deps, guilty, { authority, now });
}

/** Charges exits with failures to reach an origin that others have reached. */
export function charge(
  deps: Collaborators,
  slots: readonly number[],
  { authority, now }: { readonly authority: string; readonly now: number },
): void {
  for (const slot of slots) {
    const at = { slot, generation: deps.exits.generationOf(slot) };
    const ofMany = deps.registry.exitAt(slot)?.mint != null;
    deps.selection().failed(at, 'refused', { ms: null, now, ofMany });
    deps.told.disproved(slot, authority, now);
  }
}
