import type { PoolRegistry } from '../pool/registry.ts';
import type { DisabledPool } from '../store/disabled-pools.ts';
import type { ExitState, ExitStateName } from '../store/exit-states.ts';
import type { ExitStatus } from './exit-view.ts';

/** What operators said of exits, by id, and the pools that they disabled, by name. */
export interface OperatorWords {
  readonly exits: ReadonlyMap<string, readonly ExitState[]>;
  readonly pools: ReadonlyMap<string, DisabledPool>;
}

/** How operators let the exit in a slot stand, null where they said nothing. A disabled pool outweighs nothing but what was said of the
 *  exit itself. */
export function operatorStatus(
  registry: PoolRegistry,
  { exits, pools }: OperatorWords,
): (slot: number) => ExitStatus | null {
  const said = new Map<number, ExitStateName>();
  for (const [exit, states] of exits) {
    const slot = registry.slotOf(exit);
    const everywhere = states.find(({ site }) => site === null);
    if (slot !== undefined && everywhere !== undefined) said.set(slot, everywhere.state);
  }
  // Exits of the same terms are of one pool.
  const disabled = new Map<number, boolean>();
  const isDisabled = (slot: number): boolean => {
    if (pools.size === 0) return false;
    const terms = registry.termsOf(slot);
    const known = disabled.get(terms) ?? pools.has(registry.exitAt(slot)?.pool ?? '');
    disabled.set(terms, known);
    return known;
  };
  return (slot) => said.get(slot) ?? (isDisabled(slot) ? 'disabled' : null);
}
