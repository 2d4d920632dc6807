import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { StaticDecode } from 'typebox';
import type { Config } from './config.ts';
import { checkDocument } from './document-check.ts';
import { type ConfigFault, fileFault, inOrder, type Path } from './fault.ts';
import { listenerFaults } from './listener-check.ts';
import { readUtf8, tryRead } from './read-text.ts';
import { configSchema, folders } from './schema.ts';
import { blockRuleOf, guardOf } from './signal-schema.ts';
import { closest } from './suggestion.ts';
import { expandVariables, readSecrets, type VariableSources } from './variables.ts';
import { YamlFile } from './yaml-file.ts';

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes the place of `data`; relative to the working folder. */
  readonly dataOverride?: string;
  /** The text of a file; throws the system's error. */
  readonly readText?: (path: string) => string;
}

/** What the pool files of a configuration are read with. */
export interface PoolPlaces {
  /** Their folder, the project's and the data folder; absolute. */
  readonly pools: string;
  readonly folder: string;
  readonly data: string;
  /** What variables in pool files stand for. Never to be shown. */
  readonly variables: VariableSources;
}

/** A configuration without faults, with what else is needed to read its pools and to find fault with it as a whole. */
export interface LoadedConfig {
  readonly ok: true;
  readonly config: Config;
  /** What variables in pool files stand for. Never to be shown. */
  readonly variables: VariableSources;
  /** The same as the secrets file says now. */
  readonly readVariables: () => Variables;
  /** A fault at the place of `path` in the configuration file. */
  readonly faultAt: (path: Path, message: string) => ConfigFault;
}

/** With faults, its pool files may still be told theirs, and the gateway that runs on its data folder be asked: null where faults leave
 *  in doubt where these are. */
export type LoadResult =
  | LoadedConfig
  | {
      readonly ok: false;
      readonly faults: readonly ConfigFault[];
      readonly places: PoolPlaces | null;
      /** Absolute. */
      readonly data: string | null;
    };

/** Reads a configuration file. Everything has a default, so that an empty file does. All faults come in one report, in the order
 *  of the file. Reads the secrets file and the certificates that it names; throws nothing. */
export function loadConfig(file: string, { env, dataOverride, readText = readUtf8 }: LoadOptions): LoadResult {
  const text = tryRead(file, readText);
  if (!text.ok) return { ok: false, faults: [fileFault(file, text.message)], places: null, data: null };
  const yaml = new YamlFile(file, text.value);
  const folder = projectFolder(file);
  const readVariables = variableReader({ yaml, env, folder, readText });
  const { variables, faults: wrong } = readVariables();
  yaml.expand((value) => expandVariables(value, variables));
  const faults = [...wrong, ...yaml.faults];
  if (yaml.value === undefined) return { ok: false, faults: inOrder(faults), places: null, data: null };
  const checked = checkDocument(configSchema, { yaml, value: yaml.value, base: [] });
  const failed = (found: readonly ConfigFault[]): LoadResult => {
    const where = { file, folder, dataOverride };
    const places = placesOf(yaml, found, where);
    const data = dataOf(yaml, found, where);
    return { ok: false, faults: inOrder(found), places: places && { ...places, variables }, data };
  };
  if (!checked.ok) return failed([...faults, ...checked.faults]);
  const config = configOf(checked.value, { file, folder, dataOverride });
  const faultAt = (path: Path, message: string) => yaml.faultAt(path, message);
  faults.push(...listenerFaults(config, { faultAt, readText }));
  return faults.length > 0 ? failed(faults) : { ok: true, config, variables, readVariables, faultAt };
}

/** Keys by which pool files are found and read. */
const leadsToPools: readonly string[] = ['pools', 'data', 'secrets'];

const knownKeys = Object.keys(configSchema.properties);

/** The key that a fault is about; null for one that no other looks like. */
function keyMeant({ path }: ConfigFault): string | null {
  const [key = ''] = path.split(/[.[]/);
  return knownKeys.includes(key) ? key : closest(key, knownKeys);
}

/** Null where a fault is about these places, or may be: an unknown key that no other one looks like. */
function placesOf(yaml: YamlFile, faults: readonly ConfigFault[], where: Places): Omit<PoolPlaces, 'variables'> | null {
  const misleads = faults.some((fault) => {
    const meant = keyMeant(fault);
    return fault.file !== where.file || meant === null || leadsToPools.includes(meant);
  });
  if (misleads) return null;
  return { pools: folderOf('pools', yaml, where), folder: where.folder, data: folderOf('data', yaml, where) };
}

/** Null where a fault is about it, or may be: one of the document, or a key that no other one looks like while it is not named. */
function dataOf(yaml: YamlFile, faults: readonly ConfigFault[], where: Places): string | null {
  const isNamed = yaml.textAt(['data']) !== undefined;
  const misleads = faults.some((fault) => {
    if (fault.file !== where.file) return false;
    const meant = keyMeant(fault);
    return fault.path === '' || meant === 'data' || (meant === null && !isNamed);
  });
  return misleads && where.dataOverride === undefined ? null : folderOf('data', yaml, where);
}

function folderOf(key: 'data' | 'pools', yaml: YamlFile, { folder, dataOverride }: Places): string {
  if (key === 'data' && dataOverride !== undefined) return resolve(dataOverride);
  return resolve(folder, yaml.textAt([key]) ?? folders[key]);
}

interface Places {
  readonly file: string;
  readonly folder: string;
  readonly dataOverride: string | undefined;
}

function configOf(written: StaticDecode<typeof configSchema>, { file, folder, dataOverride }: Places): Config {
  const { secrets: _, limits, heads, exchange, accessLog, blocks, guards, ...same } = written;
  const path = (relative: string) => resolve(folder, relative);
  const { connections, logins, reports, overload, memory } = limits;
  return deepFreeze<Config>({
    ...same,
    file: resolve(file),
    folder,
    data: dataOverride === undefined ? path(same.data) : resolve(dataOverride),
    pools: path(same.pools),
    listeners: same.listeners.map(({ certificate, ...listener }) => ({
      ...listener,
      certificate: certificate === 'auto' ? certificate : { cert: path(certificate.cert), key: path(certificate.key) },
    })),
    limits: {
      connections,
      logins: { perSource: logins.perSource, perName: logins.perName, windowMs: logins.window },
      reports: { perClient: reports.perClient, windowMs: reports.window },
      overload: overload.enabled ? { delayMs: overload.delay, afterMs: overload.after } : null,
      memoryBytes: memory,
    },
    clientLimits: limits.clients,
    clientQuotas: limits.quotas,
    sitePacing: limits.sites,
    exitLimits: limits.exits,
    heads: {
      headBytes: heads.bytes,
      startLineBytes: heads.startLine,
      fieldLineBytes: heads.fieldLine,
      fieldCount: heads.fields,
    },
    exchange: { attempts: exchange.attempts, keptContentBytes: exchange.keptContent },
    accessLog: { ...accessLog, file: accessLog.file === null ? null : path(accessLog.file) },
    resolver: { ...same.resolver, hostsFile: path(same.resolver.hostsFile) },
    geo: { mmdb: same.geo.mmdb.map(path) },
    blocks: blocks.map(blockRuleOf),
    guards: guards.map(guardOf),
  });
}

interface VariablePlaces {
  readonly yaml: YamlFile;
  readonly env: LoadOptions['env'];
  readonly folder: string;
  readonly readText: (path: string) => string;
}

/** What variables stand for, and what is wrong with the file that says so. */
interface Variables {
  readonly variables: VariableSources;
  readonly faults: readonly ConfigFault[];
}

/** Reads the secrets file that the configuration names, as often as asked. */
function variableReader({ yaml, env, folder, readText }: VariablePlaces): () => Variables {
  // Its name is taken as it is written, and texts of the document are replaced later.
  const written = yaml.textAt(['secrets']);
  if (written === undefined) return () => ({ variables: { env }, faults: [] });
  const file = isAbsolute(written) ? written : join(folder, written);
  return () => {
    const text = tryRead(file, readText);
    if (!text.ok) return { variables: { env }, faults: [yaml.faultAt(['secrets'], `${written} ${text.message}`)] };
    const { secrets, faults } = readSecrets(file, text.value);
    return { variables: { env, secrets }, faults };
  };
}

/** The folder that holds the `config` folder of `file`, or else the folder of `file`; absolute. */
export function projectFolder(file: string): string {
  const folder = dirname(resolve(file));
  return basename(folder) === 'config' ? dirname(folder) : folder;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}
