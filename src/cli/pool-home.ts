import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { badArgument, CommandError } from '../admin/command-error.ts';
import type { PoolFileContent } from '../config/pool-file.ts';
import type { ListOptions } from '../pool/list-formats/list-reader.ts';
import { packageFolder } from './package-facts.ts';
import type { Workplace } from './workplace.ts';

/** Where a pool and the list that the command line keeps of it stand. */
export interface PoolHome {
  readonly pool: string;
  /** The pool file, which may be yet to be made. */
  readonly file: string;
  readonly content: PoolFileContent | null;
  /** The list as the pool file names it, and where it is. */
  readonly listName: string;
  readonly listPath: string;
  /** Whether the pool file names it. */
  readonly isNamed: boolean;
  /** How the list is read as it is. */
  readonly reading: ListOptions;
}

/** Where the pool `name` stands, or would. Throws CommandError; ConfigFaultsError where its pool files have faults. */
export function poolHome(workplace: Workplace, name: string): PoolHome {
  const pool = name.toLowerCase();
  if (!/^[a-z0-9_~][a-z0-9._~]{0,63}$/.test(pool)) {
    throw badArgument(
      'POOL',
      'a pool is named by 1 to 64 of a-z 0-9 . _ ~, not beginning with a dot',
      'choose another name',
    );
  }
  if (workplace.isPackages) {
    throw new CommandError({
      code: 'bad_argument',
      message: 'the pools in use came along with the package, and npm replaces what is written there',
      remedy: `have your own here: cp -r ${packageFolder}config ${packageFolder}pools .`,
    });
  }
  const { folder, projectFolder, files } = workplace.poolFiles();
  const content = files.find((file) => file.name === pool) ?? null;
  const file = content?.file ?? join(folder, `${pool}.yaml`);
  if (content === null && existsSync(file)) {
    throw badArgument(file, `it is there, but holds another pool than "${pool}"`, 'rename the file, or name its pool');
  }
  const listName = `lists/${pool}.txt`;
  const entry = content?.entries.find((one) => one.kind === 'list' && one.list === listName);
  const beside = join(dirname(file), listName);
  // As it is looked for when the pool is read.
  const elsewhere = join(projectFolder, listName);
  const listPath = entry !== undefined && !existsSync(beside) && existsSync(elsewhere) ? elsewhere : beside;
  const reading = entry?.kind === 'list' ? { format: entry.format, scheme: entry.scheme } : { scheme: 'http' as const };
  if (reading.format !== undefined && reading.format !== 'auto' && reading.format !== 'pipe') {
    throw new CommandError({
      code: 'bad_argument',
      message: `${file} names ${listName} with "format: ${reading.format}", and the list would be written in another`,
      remedy: 'take "format" out there, or give that list another name',
    });
  }
  return { pool, file, content, listName, listPath, isNamed: entry !== undefined, reading };
}
