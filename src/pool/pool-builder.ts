import type { Tier } from '../protocol/params.ts';
import { type BuildOptions, draftEntry } from './entry-drafts.ts';
import type { Price, Probing, Strategy } from './exit.ts';
import type { DraftSink } from './exit-draft.ts';
import type { PoolFault } from './pool-fault.ts';
import type { DemoCounts, PoolFile } from './pool-file.ts';
import { runSteps, type Steps } from './steps.ts';

export type { BuildOptions, DemoExit } from './entry-drafts.ts';

/** A pool whose exits can be had one by one, as often as wanted: they are made anew each time. */
export interface PoolSource {
  readonly name: string;
  readonly tier: Tier;
  readonly price: Price | null;
  readonly strategy: Strategy;
  readonly hedge?: boolean | undefined;
  readonly probe?: Probing | undefined;
  /** Hands every exit to `sink`, repeated ones too. Returns what is wrong with the others; never throws. */
  drafts(sink: DraftSink): Steps<readonly PoolFault[]>;
  /** A fault of the pool as a whole. */
  faultAt(message: string): PoolFault;
}

/** All pools that the pool files name. With any fault they should not be used. */
export interface PoolSources {
  readonly pools: readonly PoolSource[];
  readonly faults: readonly PoolFault[];
}

/** The pools of all files; files that can't be used together are faults. */
export function poolSources(files: readonly PoolFile[], options: BuildOptions): PoolSources {
  const homes = new Map<string, string>();
  const pools: PoolSource[] = [];
  const faults: PoolFault[] = [];
  for (const file of files) {
    const home = homes.get(file.name);
    if (home !== undefined) faults.push(file.faultAt(['pool'], `pool "${file.name}" stands in ${home} already`));
    else pools.push(sourceOf(file, options));
    homes.set(file.name, home ?? file.file);
  }
  return { pools, faults };
}

/** What is wrong with the pools, without keeping their exits. */
export function sourceFaults({ pools, faults }: PoolSources): readonly PoolFault[] {
  return [...faults, ...pools.flatMap((pool) => runSteps(pool.drafts(() => {})))];
}

function sourceOf(file: PoolFile, options: BuildOptions): PoolSource {
  const { name, tier, price, strategy, hedge, probe } = file;
  return {
    name,
    tier,
    price,
    strategy,
    hedge,
    probe,
    *drafts(sink) {
      const faults: PoolFault[] = [];
      for (const index of file.entries.keys())
        faults.push(...(yield* draftEntry(file, index, { options, sink })).faults);
      return faults;
    },
    faultAt: (message) => file.faultAt(['exits'], message),
  };
}

/** The local exits that the `demo` entries of all files ask for together, or null where none does. */
export function demoCountsOf(files: readonly PoolFile[]): DemoCounts | null {
  const counts = files.flatMap((file) =>
    file.entries.flatMap((entry) => (entry.kind === 'demo' ? [entry.counts] : [])),
  );
  if (counts.length === 0) return null;
  const sum = (kind: keyof DemoCounts) => counts.reduce((total, count) => total + count[kind], 0);
  return { http: sum('http'), https: sum('https'), socks5: sum('socks5') };
}
