import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../system-code.ts';
import { type ConfigFault, fileFault, inOrder } from './fault.ts';
import { type PoolFileContent, type PoolFileReading, readPoolFile } from './pool-file.ts';
import { readUtf8, tryRead } from './read-text.ts';
import { expandVariables, type VariableSources } from './variables.ts';
import { YamlFile } from './yaml-file.ts';

export interface PoolFolderOptions {
  /** What variables stand for: as the configuration was loaded with. */
  readonly variables: VariableSources;
  /** The text of a file; throws the system's error. */
  readonly readText?: (path: string) => string;
  /** The names in a folder; throws the system's error. */
  readonly listNames?: (folder: string) => string[];
}

/** The pool files of a folder. With any fault they should not be used. */
export interface PoolFolder {
  readonly files: readonly PoolFileContent[];
  readonly faults: readonly ConfigFault[];
  /** What is left of files with faults of form, to be judged alone: see PoolFileReading. */
  readonly rests: readonly PoolFileContent[];
  /** What may be meant, but should be said. */
  readonly warnings: readonly ConfigFault[];
}

/** Reads every `*.yaml` in `folder`, by name. A folder that doesn't exist has no pools, and that is a warning: a gateway
 *  may start before its first pool is written. */
export function readPoolFolder(folder: string, options: PoolFolderOptions): PoolFolder {
  const { listNames = namesIn } = options;
  try {
    return readNames(folder, listNames(folder).toSorted(), options);
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'ENOENT')
      return { files: [], faults: [], rests: [], warnings: [fileFault(folder, 'there is no such folder: no pools')] };
    return { files: [], faults: [fileFault(folder, `cannot be read (${code})`)], rests: [], warnings: [] };
  }
}

function readNames(folder: string, all: readonly string[], options: PoolFolderOptions): PoolFolder {
  const files: PoolFileContent[] = [];
  const faults: ConfigFault[] = [];
  const rests: PoolFileContent[] = [];
  for (const name of all.filter((one) => one.endsWith('.yaml') && !one.startsWith('.'))) {
    const reading = readOne(join(folder, name), options);
    if (reading.ok) {
      files.push(reading.pool);
      continue;
    }
    faults.push(...reading.faults);
    if (reading.rest !== null) rests.push(reading.rest);
  }
  const misnamed = all.filter((name) => /\.ya?ml$/i.test(name) && !name.endsWith('.yaml') && !name.startsWith('.'));
  const warnings = misnamed.map((name) => fileFault(join(folder, name), 'is not read: pool files end in .yaml'));
  return { files, faults: inOrder(faults), rests, warnings: [...warnings, ...files.flatMap(warningsOf)] };
}

function readOne(file: string, { variables, readText = readUtf8 }: PoolFolderOptions): PoolFileReading {
  const text = tryRead(file, readText);
  if (!text.ok) return { ok: false, faults: [fileFault(file, text.message)], rest: null };
  const yaml = new YamlFile(file, text.value);
  yaml.expand((value) => expandVariables(value, variables));
  return readPoolFile(yaml);
}

function warningsOf({ entries, faultAt }: PoolFileContent): ConfigFault[] {
  return entries.length === 0 ? [faultAt(['exits'], 'the pool has no exits')] : [];
}

function namesIn(folder: string): string[] {
  return readdirSync(folder);
}
