import type { PoolChange, PoolReload } from '../admin/reload-command.ts';
import { formatFault } from '../config/fault.ts';
import { CatalogueView } from '../memory/catalogue.ts';
import { Term } from '../memory/terms-table.ts';
import type { AppliedPools } from '../pool/catalogue.ts';
import type { Restaged } from './pool-loader.ts';

/** What pools became of being read again, pool by pool. */
export function poolReloadOf({ staged, faulty, faults, leaving }: Restaged, applied: AppliedPools): PoolReload {
  const { added, removed } = countsByPool(applied);
  const exits = new Map(applied.record.pools.map((pool) => [pool.name, pool.exits]));
  const changeOf = (
    pool: string,
    { duplicates, told }: { duplicates: number; told: readonly string[] },
  ): PoolChange => {
    const now = exits.get(pool) ?? 0;
    const fresh = added.get(pool) ?? 0;
    const gone = removed.get(pool) ?? 0;
    return { pool, exits: now, added: fresh, removed: gone, kept: now - fresh, duplicates, faults: told };
  };
  const changes = [
    ...staged.reports.map(({ pool, duplicates }) => changeOf(pool, { duplicates, told: [] })),
    ...[...faulty].map(([pool, of]) => changeOf(pool, { duplicates: 0, told: of.map(formatFault) })),
    ...leaving.map((pool) => changeOf(pool, { duplicates: 0, told: [] })),
  ];
  return { pools: changes, faults: faults.map(formatFault) };
}

function countsByPool({ record, changes }: AppliedPools) {
  const { slots, terms, labels } = new CatalogueView(record.catalogue);
  const count = (of: Int32Array, termsOf: (slot: number) => number): Map<string, number> => {
    const byLabel = new Map<number, number>();
    for (const slot of of) {
      const label = terms.word(termsOf(slot), Term.pool);
      byLabel.set(label, (byLabel.get(label) ?? 0) + 1);
    }
    return new Map([...byLabel].map(([label, exits]) => [labels.text(label), exits]));
  };
  return {
    added: count(changes.added, (slot) => slots.termsOf(slot)),
    removed: count(changes.removed, (slot) => slots.formerTermsOf(slot)),
  };
}
