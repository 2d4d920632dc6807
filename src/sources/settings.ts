import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { crossCheck, exposureWarnings } from '../config/cross-check.ts';
import { type ConfigFault, inOrder } from '../config/fault.ts';
import { limitFaults, quotaWarnings } from '../config/limit-check.ts';
import { type LoadedConfig, loadConfig, type PoolPlaces } from '../config/load.ts';
import type { PoolFileContent } from '../config/pool-file.ts';
import { readPoolFolder } from '../config/pool-folder.ts';
import type { VariableSources } from '../config/variables.ts';
import { readVendorFolders } from '../config/vendor-folder.ts';
import type { DemoExit } from '../pool/entry-drafts.ts';
import { demoCountsOf, type PoolSources, poolSources, sourceFaults } from '../pool/pool-builder.ts';
import type { DemoCounts } from '../pool/pool-file.ts';
import { type Vendor, vendorFaults } from '../pool/vendor.ts';
import type { PricedPool } from '../protocol/quota-rule.ts';
import { copyPath } from '../store/list-copies.ts';
import { textChunks } from './text-chunks.ts';

/** Vendor files that come along; the operator's own of the same name win. */
const SHIPPED_VENDORS = join(import.meta.dirname, '../../pools/vendors');

/** Told of what lists leave out without being faulty. */
export type TellRemark = (remark: ConfigFault) => void;

/** The pool files of a config as they were read at one time. */
export interface PoolFiles {
  readonly files: readonly PoolFileContent[];
  /** With any, the files that have them are left out. */
  readonly faults: readonly ConfigFault[];
  /** What is left of such files without the faults of form that they have, to be judged alone. */
  readonly rests: readonly PoolFileContent[];
  /** The pools of files, whose exits are yet to be made. */
  readonly sources: (files: readonly PoolFileContent[], demo: readonly DemoExit[], remark?: TellRemark) => PoolSources;
  /** Faults of a config that names other pools than these. */
  readonly missing: (pools: readonly string[]) => readonly ConfigFault[];
  /** Faults of a config whose limits or quotas could count nothing over these. */
  readonly limitFaults: (pools: readonly PricedPool[]) => readonly ConfigFault[];
}

/** Config and pool files as read together, before the exits are made: without a fault. */
export interface Settings extends PoolFiles {
  readonly config: Config;
  /** How many demo exits the pools ask for; null where none. */
  readonly demo: DemoCounts | null;
  /** What may be meant, but should be said. */
  readonly warnings: readonly ConfigFault[];
  /** The pool files as they are by now, for the same config. */
  readonly readPools: () => PoolFiles;
}

/** The settings, or every fault of config and pool files at once. */
export type SettingsReading =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

export interface SettingsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In place of the config's `data`. */
  readonly dataOverride?: string;
  /** Where the copies of lists are, for a gateway that runs: what the config says of `data` takes effect at the next start. */
  readonly copiesIn?: string;
}

/** Reads the config and its pool files. Throws nothing. */
export function readSettings(file: string, options: SettingsOptions): SettingsReading {
  const loaded = loadConfig(file, options);
  const { copiesIn } = options;
  if (!loaded.ok) {
    // What pools the config names can't be judged without it.
    const pools =
      loaded.places === null ? [] : faultsOf(readPoolFiles({ ...loaded.places, data: copiesIn ?? loaded.places.data }));
    return { ok: false, faults: [...loaded.faults, ...pools] };
  }
  const { config } = loaded;
  const folder = readPools(loaded, loaded.variables, copiesIn);
  // A pool whose file is faulty can't be missed as well.
  const named =
    folder.faults.length > 0
      ? []
      : [...folder.missing(folder.files.map(({ name }) => name)), ...folder.limitFaults(folder.files)];
  // Exits without a fault are made later, and once.
  if (named.length + folder.faults.length > 0) return { ok: false, faults: [...named, ...faultsOf(folder)] };
  const warnings = [...folder.warnings, ...exposureWarnings(loaded), ...quotaWarnings(loaded, folder.files)];
  const demo = demoCountsOf(folder.files);
  return {
    ok: true,
    settings: { ...folder, config, demo, warnings, readPools: () => readPoolsAgain(loaded, copiesIn) },
  };
}

/** Of pool files, and of what they name. What they are worth shows without the demo, too. */
const faultsOf = ({ files, faults, rests, sources }: Pick<PoolFiles, 'files' | 'faults' | 'rests' | 'sources'>) => [
  ...faults,
  ...sourceFaults(sources([...files, ...rests], [])),
];

/** With the secrets as they are by now: who changes a vendor's password reads its pool again. */
function readPoolsAgain(loaded: LoadedConfig, copiesIn: string | undefined) {
  const { variables, faults } = loaded.readVariables();
  const folder = readPools(loaded, variables, copiesIn);
  return { ...folder, faults: [...faults, ...folder.faults] };
}

function readPools(loaded: LoadedConfig, variables: VariableSources, copiesIn: string | undefined) {
  const { config } = loaded;
  const { pools, folder, data } = config;
  return {
    ...readPoolFiles({ pools, folder, data: copiesIn ?? data, variables }),
    limitFaults: (pools: readonly PricedPool[]) => limitFaults(loaded, pools),
    missing: (pools: readonly string[]) =>
      crossCheck(
        loaded,
        pools.map((name) => ({ name })),
      ),
  };
}

function readPoolFiles({ pools, folder: projectFolder, data, variables }: PoolPlaces) {
  const folder = readPoolFolder(pools, { variables });
  const { vendors, known, faults } = readVendors(pools, [...folder.files, ...folder.rests]);
  const copyOf = (key: string) => copyPath(data, key);
  const reading = { readText, readChunks: textChunks, copyOf, projectFolder, vendors, knownVendors: known };
  return {
    ...folder,
    faults: [...folder.faults, ...faults],
    sources: (files: readonly PoolFileContent[], demo: readonly DemoExit[], remark?: TellRemark): PoolSources =>
      poolSources(files, { ...reading, demo, remark }),
  };
}

/** The vendors that pools name, and all that the operator has files of: of those that fail to be read there is none. */
function readVendors(pools: string, files: readonly PoolFileContent[]) {
  const wanted = files.flatMap(({ entries }) =>
    entries.flatMap((entry) => (entry.kind === 'vendor' ? [entry.vendor] : [])),
  );
  const folders = { own: join(pools, 'vendors'), shipped: SHIPPED_VENDORS };
  const { vendors: read, known, faults } = readVendorFolders(folders, new Set(wanted));
  const vendors = new Map<string, Vendor>();
  const wrong: ConfigFault[] = [];
  for (const [name, vendor] of read) {
    const found = vendorFaults(vendor);
    if (found.length === 0) vendors.set(name, vendor);
    wrong.push(...found);
  }
  return { vendors, known, faults: inOrder([...faults, ...wrong]) };
}

const readText = (path: string): string => readFileSync(path, 'utf8');
