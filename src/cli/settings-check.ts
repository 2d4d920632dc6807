import { CommandError } from '../admin/command-error.ts';
import type { Config } from '../config/config.ts';
import type { ConfigFault } from '../config/fault.ts';
import { loadConfig } from '../config/load.ts';
import type { PoolFileContent } from '../config/pool-file.ts';
import { readPoolFolder } from '../config/pool-folder.ts';
import { PoolCatalogue } from '../pool/catalogue.ts';
import { PoolRegistry } from '../pool/registry.ts';
import { countOf } from '../protocol/count-text.ts';
import { readSettings } from '../sources/settings.ts';

/** Where a config is, and what stands around it. */
export interface ConfigPlace {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In place of the data folder that the config names: there are the copies of lists that are fetched. */
  readonly dataOverride?: string | undefined;
}

/** Everything that can be said of a config and its pools without starting them. */
export interface CheckedSettings {
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
  /** Without any where there are faults. */
  readonly pools: PoolRegistry;
  readonly listeners: number;
  /** Whether there is a pool of local exits that only exist while the gateway runs. */
  readonly hasDemo: boolean;
}

const SEE_FAULTS = 'see "roundabout check-config"';

/** Faults that keep a command from its work, with all their places. */
export class ConfigFaultsError extends CommandError {
  readonly faults: readonly ConfigFault[];

  constructor(file: string, faults: readonly ConfigFault[], remedy = SEE_FAULTS) {
    const message = `${file} and its pools have ${countOf(faults.length, 'fault')}`;
    super({ code: 'config_faults', message, remedy });
    this.faults = faults;
  }
}

/** Reads config and pools and finds every fault at once. Throws nothing. */
export function checkSettings({ file, ...options }: ConfigPlace): CheckedSettings {
  const catalogue = new PoolCatalogue();
  const pools = new PoolRegistry(catalogue.record);
  const reading = readSettings(file, options);
  if (!reading.ok) return { faults: reading.faults, warnings: [], pools, listeners: 0, hasDemo: false };
  const { config, demo, warnings, sources, files } = reading.settings;
  const remarks: ConfigFault[] = [];
  const staged = catalogue.stage(sources(files, [], (remark) => remarks.push(remark)));
  const { faults } = staged;
  if (faults.length === 0) pools.take(catalogue.commit(staged).record);
  return {
    faults,
    warnings: [...warnings, ...remarks],
    pools,
    listeners: config.listeners.length,
    hasDemo: demo !== null,
  };
}

/** The data folder that a config names, whatever else is wrong with it: the gateway that runs by a former one is there. Throws
 *  ConfigFaultsError where faults leave that in doubt. */
export function dataFolderOf({ file, ...options }: ConfigPlace): string {
  const loaded = loadConfig(file, options);
  if (loaded.ok) return loaded.config.data;
  if (loaded.data === null)
    throw new ConfigFaultsError(file, loaded.faults, `${SEE_FAULTS}, or name the data folder with --data DIR`);
  return loaded.data;
}

/** The config. Throws ConfigFaultsError. */
export function configOf({ file, ...options }: ConfigPlace): Config {
  const loaded = loadConfig(file, options);
  if (!loaded.ok) throw new ConfigFaultsError(file, loaded.faults);
  return loaded.config;
}

/** The pool files of a config. */
export interface PoolPlaces {
  readonly folder: string;
  /** Where lists are looked for that aren't beside a pool file. */
  readonly projectFolder: string;
  readonly files: readonly PoolFileContent[];
}

/** Reads the pool files that a config names, without what they name in turn. Throws ConfigFaultsError. */
export function poolPlaces({ file, ...options }: ConfigPlace): PoolPlaces {
  const loaded = loadConfig(file, options);
  if (!loaded.ok) throw new ConfigFaultsError(file, loaded.faults);
  const { pools: folder, folder: projectFolder } = loaded.config;
  const { files, faults } = readPoolFolder(folder, { variables: loaded.variables });
  if (faults.length > 0) throw new ConfigFaultsError(file, faults);
  return { folder, projectFolder, files };
}
