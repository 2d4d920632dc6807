import type { ProviderView } from '../admin/provider-view.ts';
import { kindOf } from '../gateway/choosing/provider-books.ts';
import { ProviderWord } from '../memory/provider-rows.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import { ProviderHealth } from '../selection/provider-health.ts';
import { State, stateOf } from '../selection/provider-standing.ts';
import type { SelectionTables } from '../selection/selection.ts';

/** What carries exits, as the control thread shows and probes it. */
export class Providers {
  readonly health: ProviderHealth;
  readonly #registry: PoolRegistry;

  constructor(tables: SelectionTables, registry: PoolRegistry) {
    this.health = new ProviderHealth(tables);
    this.#registry = registry;
  }

  /** The rows of all that carry exits now. */
  rows(): readonly number[] {
    const { rows } = this.health;
    return [...rows.standing()].filter((row) => rows.get(row, ProviderWord.carries) === 1);
  }

  state(row: number): State {
    return stateOf(this.health.rows.get(row, ProviderWord.standing));
  }

  /** The slot of one of its exits; -1 where there is none. Looks through all slots where the one that was known has left. */
  slotOf(row: number): number {
    const known = this.health.rows.get(row, ProviderWord.sample);
    if (this.#isOf(known, row)) return known;
    for (let slot = 0; slot < this.#registry.slotCount; slot++) {
      if (!this.#isOf(slot, row)) continue;
      this.health.rows.set(row, ProviderWord.sample, slot);
      return slot;
    }
    return -1;
  }

  /** As it is shown; null where no exit is left. */
  viewOf(row: number): ProviderView | null {
    const slot = this.slotOf(row);
    const [exit, carrier] = [this.#registry.exitAt(slot), this.#registry.carrierOf(slot)];
    if (exit === undefined || carrier === null) return null;
    const state = this.state(row);
    return {
      pool: exit.pool,
      provider: carrier.name,
      account: carrier.key,
      standing: state === State.up ? 'up' : state === State.down ? 'down' : 'recovering',
      why: state === State.up ? null : kindOf(this.health.rows.get(row, ProviderWord.why)),
      exits: this.health.rows.get(row, ProviderWord.exits),
    };
  }

  views(): readonly ProviderView[] {
    return this.rows().flatMap((row) => this.viewOf(row) ?? []);
  }

  #isOf(slot: number, row: number): boolean {
    return this.health.providerOf(slot) === row && this.#registry.exitAt(slot) !== undefined;
  }
}
