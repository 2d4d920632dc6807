import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StartFault } from './start-fault.ts';

/** The data folder held by this process. */
export interface FolderLock {
  release(): void;
}

/** Holds the data folder for this process, so that no two gateways write one store: a file with our pid, made only where there
 *  is none. One left by a process that is gone is replaced. Throws StartFault naming the pid of a gateway that runs. */
export function lockFolder(folder: string, pid: number): FolderLock {
  const path = join(folder, 'roundabout.lock');
  for (let tries = 0; tries < 3; tries++) {
    try {
      const file = openSync(path, 'wx', 0o600);
      writeSync(file, `${pid}\n`);
      closeSync(file);
      return { release: () => rmSync(path, { force: true }) };
    } catch (cause) {
      if (!isExisting(cause)) throw new StartFault(1, [`cannot write in ${folder}: ${String(cause)}`], { cause });
    }
    const holder = readHolder(path);
    if (holder !== null && holder !== pid && isGateway(holder)) {
      throw new StartFault(1, [
        `another gateway (pid ${holder}) uses ${folder}`,
        'stop it, or give this one a data folder of its own with --data DIR',
      ]);
    }
    rmSync(path, { force: true });
  }
  throw new StartFault(1, [`${path} keeps coming back: another gateway is starting on ${folder}`]);
}

const isExisting = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';

function readHolder(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** Whether the process lives and, where the system tells, is a Node process: a pid may have been given to another since. */
function isGateway(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('roundabout');
  } catch {
    return true;
  }
}
