import { accessSync, constants, rmSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BoundListener } from '../threads/listener-plan.ts';
import { StartFault } from '../threads/start-fault.ts';

export interface ReadyFacts {
  readonly pid: number;
  readonly listeners: readonly BoundListener[];
  readonly admin: { readonly host: string; readonly port: number };
}

/** Makes sure beforehand that the file can be written: who waits for it must not be told that the gateway serves, and then that it
 *  has ended. One that a killed gateway has left is taken away: it says that this one serves already. Throws the system's error;
 *  StartFault where what stands there is no file to be replaced. */
export function clearReadyFile(path: string): void {
  accessSync(dirname(path), constants.W_OK | constants.X_OK);
  const standing = statSync(path, { throwIfNoEntry: false });
  if (standing !== undefined && !standing.isFile())
    throw new StartFault(1, [`--ready-file: ${path} is no regular file, and is not replaced`, 'name another path']);
  rmSync(path, { force: true });
}

/** Writes where the gateway serves, as JSON; the file appears whole or not at all. Rejects with the system's error. */
export async function writeReadyFile(path: string, { pid, listeners, admin }: ReadyFacts): Promise<void> {
  const byName = Object.fromEntries(listeners.map(({ name, host, port }) => [name, { host, port }]));
  await writeFile(`${path}.new`, `${JSON.stringify({ pid, listeners: byName, admin })}\n`);
  await rename(`${path}.new`, path);
}
