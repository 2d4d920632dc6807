import type { PoolRegistry } from '../pool/registry.ts';
import type { ExitState, ExitStateName } from '../store/exit-states.ts';

/** What an operator said of an exit, as it is shown. Times are ISO 8601. */
export interface ExitStateView {
  readonly exit: string;
  /** Null where it is in no pool now: it holds when it comes back. */
  readonly pool: string | null;
  readonly state: ExitStateName;
  /** Null: everywhere. */
  readonly site: string | null;
  /** Null: until it is thawed. */
  readonly until: string | null;
  readonly reason: string;
  readonly since: string;
}

/** It as shown. */
export function exitStateView(
  registry: PoolRegistry,
  { exit, state, site, until, reason, since }: ExitState,
): ExitStateView {
  const slot = registry.slotOf(exit);
  return {
    exit,
    pool: slot === undefined ? null : (registry.exitAt(slot)?.pool ?? null),
    state,
    site,
    until: until === null ? null : new Date(until).toISOString(),
    reason,
    since: new Date(since).toISOString(),
  };
}
