import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { crossCheck, exposureWarnings } from '../config/cross-check.ts';
import { formatFault } from '../config/fault.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { type PoolFolder, readPoolFolder } from '../config/pool-folder.ts';
import type { DemoExit } from '../pool/entry-drafts.ts';
import type { Pool } from '../pool/exit.ts';
import { buildPools, demoCountsOf } from '../pool/pool-builder.ts';
import type { DemoCounts } from '../pool/pool-file.ts';
import { StartFault } from './start-fault.ts';

/** Config and pool files as read together, before the exits are made. */
export interface Settings {
  readonly config: Config;
  /** How many demo exits the pools ask for; null where none. */
  readonly demo: DemoCounts | null;
  /** Makes the exits. Throws StartFault (2) with all that is wrong with them. */
  readonly pools: (demo: readonly DemoExit[]) => readonly Pool[];
  /** What may be meant, but should be said. */
  readonly warnings: readonly string[];
}

export interface SettingsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dataOverride?: string;
}

/** Reads the config and its pool files. Throws StartFault (2) with every fault of either, as `file:line:column path message`. */
export function readSettings(file: string, options: SettingsOptions): Settings {
  const loaded = loadConfig(file, options);
  if (!loaded.ok) throw new StartFault(2, loaded.faults.map(formatFault));
  const folder = readPoolFolder(loaded.config.pools, { variables: loaded.variables });
  const faults = [...folder.faults, ...crossCheckIfWhole(loaded, folder)];
  if (faults.length > 0) throw new StartFault(2, faults.map(formatFault));
  const { config } = loaded;
  return {
    config,
    demo: demoCountsOf(folder.files),
    pools: (demo) => buildAll(config, { folder, demo }),
    warnings: [...folder.warnings, ...exposureWarnings(loaded)].map(formatFault),
  };
}

/** A pool whose file is faulty can't be missed as well. */
function crossCheckIfWhole(loaded: LoadedConfig, { files, faults }: PoolFolder) {
  return faults.length > 0 ? [] : crossCheck(loaded, files);
}

function buildAll(
  config: Config,
  { folder, demo }: { folder: PoolFolder; demo: readonly DemoExit[] },
): readonly Pool[] {
  const built = buildPools(folder.files, {
    readText: (path) => readFileSync(path, 'utf8'),
    projectFolder: config.folder,
    demo,
  });
  if (built.faults.length > 0) throw new StartFault(2, built.faults.map(formatFault));
  return built.pools;
}
