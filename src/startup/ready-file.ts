import { rename, writeFile } from 'node:fs/promises';
import type { BoundListener } from './listener-plan.ts';

export interface ReadyFacts {
  readonly pid: number;
  readonly listeners: readonly BoundListener[];
  readonly admin: { readonly host: string; readonly port: number };
}

/** Writes where the gateway serves, as JSON; the file appears whole or not at all. */
export async function writeReadyFile(path: string, { pid, listeners, admin }: ReadyFacts): Promise<void> {
  const byName = Object.fromEntries(listeners.map(({ name, host, port }) => [name, { host, port }]));
  await writeFile(`${path}.new`, `${JSON.stringify({ pid, listeners: byName, admin })}\n`);
  await rename(`${path}.new`, path);
}
