import { type CatalogueChanges, type CatalogueRecord, CatalogueView } from '../memory/catalogue.ts';
import { CatalogueWriter, type NextCatalogue } from '../memory/catalogue-writer.ts';
import { placeKey } from '../protocol/places.ts';
import type { Pool } from './exit.ts';
import type { ExitFilter } from './exit-filter.ts';
import { type FilterList, SharedLists } from './filter-list.ts';
import { Intake } from './intake.ts';
import type { PoolSource, PoolSources } from './pool-builder.ts';
import type { PoolFault } from './pool-fault.ts';
import { runSteps, type Steps } from './steps.ts';

/** All pools of one version, as they are handed to other threads: a plain value over shared buffers. */
export interface PoolsRecord {
  readonly pools: readonly Pool[];
  readonly catalogue: CatalogueRecord;
}

/** What came of one pool's source. */
export interface SourceReport {
  readonly pool: string;
  readonly faults: readonly PoolFault[];
  /** Exits that the pool names more than once, merged into the first. */
  readonly duplicates: number;
}

/** What the next version of all pools would be. With any fault it must not be used. */
export interface StagedPools {
  readonly pools: readonly Pool[];
  readonly faults: readonly PoolFault[];
  readonly duplicates: number;
  /** By pool; nothing of those that were kept. */
  readonly reports: readonly SourceReport[];
  readonly next: NextCatalogue;
  /** Pools that have exits which differ in their passwords alone. */
  readonly repeating: ReadonlySet<string>;
}

/** A version of all pools that stands from now on, and how it differs from the one before. */
export interface AppliedPools {
  readonly record: PoolsRecord;
  readonly changes: CatalogueChanges;
}

/** All pools, for the one thread that changes them. An exit keeps its slot (a small number) and the slot's generation for as long
 *  as its id is in some pool, so that what was learned about it stays over a reload. Ids are unique over all pools, and the same
 *  at every start as long as the files say the same. Other threads, and this one, read through PoolRegistry. */
export class PoolCatalogue {
  readonly #writer = new CatalogueWriter(placeKey);
  readonly #numbers = new Map<string, number>();
  #pools: readonly Pool[] = [];
  #repeating: ReadonlySet<string> = new Set();
  #lists: SharedLists | null = null;

  /** The version that stands. */
  get record(): PoolsRecord {
    return { pools: this.#pools, catalogue: this.#writer.record };
  }

  /** Makes the exits of `sources`, by difference from what stands, without changing anything yet. What was staged before and not
   *  committed is given up. Exits are taken one by one: a list of a million lines is never a million objects. Pools of `keep` stay
   *  as they stand, whether there is a source of theirs or not, and that source isn't read. */
  stage(sources: PoolSources, keep: ReadonlySet<string> = new Set()): StagedPools {
    return runSteps(this.stageSteps(sources, keep));
  }

  /** The same, step by step. */
  *stageSteps(sources: PoolSources, keep: ReadonlySet<string>): Steps<StagedPools> {
    const next = this.#writer.begin();
    const intake = new Intake(next, this.#repeating);
    const numbers = new Map(this.#numbers);
    const pools = this.#pools.filter(({ name }) => keep.has(name));
    for (const { name } of pools) {
      next.keep(name);
      yield;
    }
    const reports: SourceReport[] = [];
    for (const source of sources.pools) {
      const { name } = source;
      if (keep.has(name)) continue;
      const before = { exits: next.count, duplicates: intake.duplicates, overflow: intake.overflow };
      const faults = [...(yield* source.drafts((draft) => intake.take(draft)))];
      const overflow = intake.overflow - before.overflow;
      if (overflow > 0) faults.push(source.faultAt(`all pools together have ${overflow} exits more than fit`));
      reports.push({ pool: name, faults, duplicates: intake.duplicates - before.duplicates });
      pools.push(poolOf(source, { numbers, exits: next.count - before.exits }));
    }
    const faults = [...sources.faults, ...reports.flatMap((report) => report.faults)];
    const order = sources.pools.map(({ name }) => name);
    const inOrder = pools.toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
    const repeating = new Set([...intake.repeating, ...[...this.#repeating].filter((name) => keep.has(name))]);
    return { pools: inOrder, faults, duplicates: intake.duplicates, reports, next, repeating };
  }

  /** Makes what was staged last the version that stands. */
  commit({ pools, next, repeating }: StagedPools): AppliedPools {
    const changes = this.#writer.commit(next);
    for (const { name, number } of pools) this.#numbers.set(name, number);
    this.#pools = pools;
    this.#repeating = repeating;
    this.#lists = null;
    return { record: this.record, changes };
  }

  /** The list of a filter that some thread asked for, for all that read the version that stands. */
  listOf(filter: ExitFilter): FilterList {
    this.#lists ??= new SharedLists(new CatalogueView(this.#writer.record));
    return this.#lists.listOf(filter);
  }
}

/** A pool that had a number keeps it; another one gets the next. */
function poolOf(
  { name, tier, price, strategy, hedge, probe }: PoolSource,
  { numbers, exits }: { readonly numbers: Map<string, number>; readonly exits: number },
): Pool {
  const number = numbers.get(name) ?? numbers.size;
  numbers.set(name, number);
  return Object.freeze({ name, number, tier, price, strategy, hedge, probe, exits });
}
