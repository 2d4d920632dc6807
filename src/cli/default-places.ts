import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { storePath } from '../store/database.ts';
import { packageFolder } from './package-facts.ts';

/** Which configuration and data folder a command works by. */
export interface Places {
  readonly configFile: string;
  /** Absolute; undefined where the config says. */
  readonly dataOverride: string | undefined;
  /** Whether the configuration is one that npm replaces, with all that stands beside it. */
  readonly isPackages: boolean;
  /** The data folder within the package that a former version would have used; null where there is none. */
  readonly leftBehind: string | null;
}

/** What is used of what was given: without a configuration the one here, else the one shipped with the package in `folder`. Where that
 *  is installed, and not checked out, what is written stays out of it: the data folder is ./data here unless told. */
export function placesOf(
  given: { readonly config: string | undefined; readonly data: string | undefined },
  folder = packageFolder,
): Places {
  const here = join('config', 'roundabout.yaml');
  const shipped = join(folder, here);
  const isShipped = given.config === undefined && !existsSync(here) && existsSync(shipped);
  const configFile = given.config ?? (isShipped ? shipped : here);
  const isPackages = basename(dirname(folder)) === 'node_modules' && isSameFile(configFile, shipped);
  const data = given.data ?? (isPackages ? 'data' : undefined);
  const former = join(folder, 'data');
  return {
    configFile,
    dataOverride: data === undefined ? undefined : resolve(data),
    isPackages,
    leftBehind: isPackages && given.data === undefined && isForgotten(former) ? former : null,
  };
}

/** Whether a store stands in `former`, and none in the folder that is used now. */
function isForgotten(former: string): boolean {
  return existsSync(storePath(former)) && !existsSync(storePath(resolve('data')));
}

/** Whatever links lead there. */
function isSameFile(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other);
}
