import type { PoolRegistry } from '../pool/registry.ts';
import { type ExitQuery, filterOf, isShown, MOST_EXITS } from './exit-page.ts';
import { type ExitKnowledge, type ExitView, exitView } from './exit-view.ts';

/** One step looks at so many slots at most, which takes some 25 ms; of those it reads no more exits than one answer may hold. */
const MOST_LOOKS = 250_000;

/** Which exits are asked for, in no order but that of their slots. */
export interface ExitWalkQuery extends Omit<ExitQuery, 'sort' | 'limit'> {
  /** The slot to begin at. */
  readonly from: number;
}

/** A step of a walk over all exits, however many: none is remembered here from one step to the next. */
export interface ExitWalk {
  /** Perhaps none, while there are more. */
  readonly exits: readonly ExitView[];
  /** Where the next step begins; null where there is none. */
  readonly next: number | null;
}

/** The exits from a slot on. An exit keeps its slot while it is in some pool, over reloads too: whoever walks on meets each that stays
 *  all the while, once. */
export function exitWalk(registry: PoolRegistry, query: ExitWalkQuery, known: ExitKnowledge): ExitWalk {
  const { from, status, mismatch } = query;
  const filter = filterOf(registry, query);
  const end = Math.min(registry.slotCount, from + MOST_LOOKS);
  const exits: ExitView[] = [];
  let read = 0;
  for (let slot = from; slot < end; slot += 1) {
    if (!registry.matches(slot, filter) || !isShown(known.statusOf(slot), status)) continue;
    const exit = registry.exitAt(slot);
    if (exit === undefined) continue;
    if (mismatch !== true || known.seen(exit)?.mismatch != null) exits.push(exitView(exit, slot, known));
    read += 1;
    if (read === MOST_EXITS) return { exits, next: slot + 1 };
  }
  return { exits, next: end < registry.slotCount ? end : null };
}
