import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemCode } from '../system-code.ts';
import { type ConfigFault, fileFault, inOrder } from './fault.ts';
import { readUtf8, tryRead } from './read-text.ts';
import { readVendorFile, type VendorContent } from './vendor-file.ts';
import { YamlFile } from './yaml-file.ts';

export interface VendorFoldersOptions {
  /** The text of a file; throws the system's error. */
  readonly readText?: (path: string) => string;
  /** The names in a folder; throws the system's error. */
  readonly listNames?: (folder: string) => string[];
}

/** Vendors by name. With any fault they should not be used. */
export interface VendorFolders {
  readonly vendors: ReadonlyMap<string, VendorContent>;
  /** All names that could be asked for, for a hint to who asked for another. */
  readonly known: readonly string[];
  readonly faults: readonly ConfigFault[];
}

/** Reads vendor files (`NAME.yaml`): all of the operator's own folder, and those of the shipped one that are `wanted` and that the
 *  operator has none of. A folder that doesn't exist has none. */
export function readVendorFolders(
  { own, shipped }: { readonly own: string; readonly shipped: string },
  wanted: ReadonlySet<string>,
  options: VendorFoldersOptions = {},
): VendorFolders {
  const vendors = new Map<string, VendorContent>();
  const faults: ConfigFault[] = [];
  const take = (folder: string, name: string) => {
    const file = join(folder, `${name}.yaml`);
    const reading = readOne(file, name, options);
    if (reading.ok) vendors.set(name, reading.vendor);
    else faults.push(...reading.faults);
  };
  const shippedNames = namesOf(shipped, options);
  if (!shippedNames.ok) faults.push(shippedNames.fault);
  const ownNames = resolve(own) === resolve(shipped) ? { ok: true as const, names: [] } : namesOf(own, options);
  if (!ownNames.ok) faults.push(ownNames.fault);
  const operators = ownNames.ok ? ownNames.names : [];
  const ours = shippedNames.ok ? shippedNames.names : [];
  for (const name of operators) take(own, name);
  for (const name of ours) if (wanted.has(name) && !operators.includes(name)) take(shipped, name);
  return { vendors, known: [...new Set([...operators, ...ours])].sort(), faults: inOrder(faults) };
}

type Reading = ReturnType<typeof readVendorFile>;

function readOne(file: string, name: string, { readText = readUtf8 }: VendorFoldersOptions): Reading {
  const text = tryRead(file, readText);
  if (!text.ok) return { ok: false, faults: [fileFault(file, text.message)] };
  const yaml = new YamlFile(file, text.value);
  const reading = readVendorFile(yaml);
  if (!reading.ok || reading.vendor.name === name) return reading;
  return {
    ok: false,
    faults: [yaml.faultAt(['vendor'], `the file of this vendor is called ${reading.vendor.name}.yaml`)],
  };
}

function namesOf(
  folder: string,
  { listNames = (path) => readdirSync(path) }: VendorFoldersOptions,
): { readonly ok: true; readonly names: readonly string[] } | { readonly ok: false; readonly fault: ConfigFault } {
  try {
    const names = listNames(folder).filter((name) => name.endsWith('.yaml') && !name.startsWith('.'));
    return { ok: true, names: names.map((name) => name.slice(0, -'.yaml'.length)).toSorted() };
  } catch (cause) {
    const code = systemCode(cause);
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { ok: true, names: [] }
      : { ok: false, fault: fileFault(folder, `cannot be read (${code})`) };
  }
}
