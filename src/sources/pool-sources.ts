import type { SourceView } from '../admin/source-view.ts';
import { type PlacedSource, placedSources } from '../pool/placed-source.ts';
import type { PoolFile } from '../pool/pool-file.ts';
import { ListCopies } from '../store/list-copies.ts';
import { HostPace } from './host-pace.ts';
import { type ListMarks, ListWatch } from './list-watch.ts';
import { type RefreshOptions, SourceRefresh } from './source-refresh.ts';

export interface PoolSourcesOptions extends Pick<RefreshOptions, 'env' | 'wallTime' | 'random' | 'warn' | 'onChange'> {
  readonly dataFolder: string;
  /** Relative paths of lists are looked for here as well, and commands run here. */
  readonly projectFolder: string;
}

/** Where the exits of all pools come from, and tells when they have changed: lists on this machine, and what is fetched. */
export class PoolSources {
  readonly #options: PoolSourcesOptions;
  readonly #copies: ListCopies;
  readonly #watch: ListWatch;
  readonly #pace = new HostPace();
  /** By key. */
  #refreshes: ReadonlyMap<string, SourceRefresh> = new Map();
  #stopped = false;

  /** Throws StoreError where copies of what is fetched can't be kept. */
  constructor(options: PoolSourcesOptions) {
    this.#options = options;
    this.#copies = new ListCopies(options.dataFolder);
    this.#watch = new ListWatch(options);
  }

  /** To be asked before the lists of these files are read, and handed to `follow` after. */
  marks(files: readonly PoolFile[]): ListMarks {
    return this.#watch.marks(files);
  }

  /** Follows what these pool files name, and nothing else. */
  follow(files: readonly PoolFile[], marks: ListMarks): void {
    if (this.#stopped) return;
    this.#watch.follow(files, marks);
    const former = this.#refreshes;
    const next = new Map<string, SourceRefresh>();
    for (const source of files.flatMap(placedSources)) {
      const known = former.get(source.key);
      next.set(source.key, known !== undefined && isSame(known.source, source) ? known : this.#begin(source));
    }
    this.#refreshes = next;
    for (const [key, refresh] of former) if (next.get(key) !== refresh) refresh.stop();
    for (const [key, refresh] of next) if (former.get(key) !== refresh) refresh.start();
  }

  /** Asks the sources of these pools now; resolves when each has been had, or has failed. */
  async refresh(pools: readonly string[]): Promise<void> {
    const wanted = [...this.#refreshes.values()].filter(({ source }) => pools.includes(source.pool));
    await Promise.all(wanted.map((refresh) => refresh.refresh()));
  }

  /** Takes away copies of what these files don't name, and what an earlier process has left half-written. Before anything is
   *  followed. */
  prune(files: readonly PoolFile[]): void {
    this.#copies.prune(new Set(files.flatMap(placedSources).map(({ key }) => key)));
  }

  /** What all pools are fetched from, and how that does. */
  get views(): readonly SourceView[] {
    const now = this.#options.wallTime();
    return [...this.#refreshes.values()].map(({ source, state }) => ({
      pool: source.pool,
      source: source.shown,
      hasCopy: state.hasCopy,
      exits: state.exits,
      ageMs: state.confirmedAt === null ? null : Math.max(0, now - state.confirmedAt),
      failure: state.failure,
      failingSince: state.failingSince === null ? null : new Date(state.failingSince).toISOString(),
      failures: state.failures,
      nextMs: Math.max(0, Math.round(state.nextAt - now)),
    }));
  }

  /** Those of the pool of this name. */
  viewsOf(pool: string): readonly SourceView[] {
    return this.views.filter((view) => view.pool === pool);
  }

  /** Ends what is asked, with all that commands have started. Nothing is followed any more. */
  stop(): void {
    this.#stopped = true;
    this.#watch.stop();
    for (const refresh of this.#refreshes.values()) refresh.stop();
  }

  #begin(source: PlacedSource): SourceRefresh {
    const { projectFolder: folder } = this.#options;
    return new SourceRefresh(source, { ...this.#options, copies: this.#copies, pace: this.#pace, folder });
  }
}

function isSame(one: PlacedSource, other: PlacedSource): boolean {
  const termsOf = ({ definition, place, entry }: PlacedSource) => {
    const { refreshMs, timeoutMs, shrink } = entry.source;
    return JSON.stringify([definition, place, refreshMs, timeoutMs, shrink]);
  };
  return termsOf(one) === termsOf(other);
}
