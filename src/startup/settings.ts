import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { crossCheck, exposureWarnings } from '../config/cross-check.ts';
import type { ConfigFault } from '../config/fault.ts';
import { loadConfig } from '../config/load.ts';
import { readPoolFolder } from '../config/pool-folder.ts';
import type { DemoExit } from '../pool/entry-drafts.ts';
import { demoCountsOf, type PoolSources, poolSources, sourceFaults } from '../pool/pool-builder.ts';
import type { DemoCounts } from '../pool/pool-file.ts';
import { textChunks } from './text-chunks.ts';

/** Config and pool files as read together, before the exits are made. */
export interface Settings {
  readonly config: Config;
  /** How many demo exits the pools ask for; null where none. */
  readonly demo: DemoCounts | null;
  /** The pools, whose exits are yet to be made. */
  readonly sources: (demo: readonly DemoExit[]) => PoolSources;
  /** What may be meant, but should be said. */
  readonly warnings: readonly ConfigFault[];
}

/** The settings, or every fault of config and pool files at once. */
export type SettingsReading =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

export interface SettingsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In place of the config's `data`. */
  readonly dataOverride?: string;
}

/** Reads the config and its pool files. Throws nothing. */
export function readSettings(file: string, options: SettingsOptions): SettingsReading {
  const loaded = loadConfig(file, options);
  if (!loaded.ok) return loaded;
  const { config, variables } = loaded;
  const folder = readPoolFolder(config.pools, { variables });
  const sources = (demo: readonly DemoExit[]): PoolSources =>
    poolSources(folder.files, { readText, readChunks: textChunks, projectFolder: config.folder, demo });
  // A pool whose file is faulty can't be missed as well; what its files are worth shows without the demo, too.
  const faults =
    folder.faults.length > 0 ? [...folder.faults, ...sourceFaults(sources([]))] : crossCheck(loaded, folder.files);
  if (faults.length > 0) return { ok: false, faults };
  const warnings = [...folder.warnings, ...exposureWarnings(loaded)];
  return { ok: true, settings: { config, demo: demoCountsOf(folder.files), sources, warnings } };
}

const readText = (path: string): string => readFileSync(path, 'utf8');
