import { readdirSync, statSync } from 'node:fs';

/** Descriptors that are not a client's: log, store, ledger, control socket, queries for names; and those of each worker,
 *  its listeners, its epoll and what that keeps in reserve among them. */
const RESERVE = 50;
const RESERVE_PER_WORKER = 10;

/** Connections of those who are no clients: as many as they need, and how few must do. */
const MOST_VISITORS = 512;
const MOST_LOOKERS = 64;
const LEAST_OF_OTHERS = 4;

/** How many connections fit. */
export interface Capacity {
  /** Clients' connections at once; more are told `overloaded`. */
  readonly connections: number;
  /** Connections at once, beyond those, that are told so; any more are closed without a word. */
  readonly refusals: number;
  /** Idle connections to exits. */
  readonly kept: number;
  /** Pipes of the native relay, two descriptors each. */
  readonly pipes: number;
  /** Connections to the probe page, which anybody may open where exits reach it. */
  readonly visitors: number;
  /** Connections to the admin listener. */
  readonly lookers: number;
}

/** Divides the descriptors that the process may open. Whoever comes to the probe page must not take those of clients, nor both those of
 *  an operator who looks what is wrong. A client's connection needs one more to its exit, and one that is refused
 *  needs its own for as long as the refusal takes: without a reserve Node accepts and closes without a word, and neither the
 *  store nor the log can open a file. */
export function capacityOf(
  openFiles: number,
  { configured, workers }: { readonly configured: number | null; readonly workers: number },
): Capacity {
  const pipes = Math.min(256, Math.floor(openFiles / 64));
  const visitors = Math.min(MOST_VISITORS, Math.max(LEAST_OF_OTHERS, Math.floor(openFiles / 32)));
  const lookers = Math.min(MOST_LOOKERS, Math.max(LEAST_OF_OTHERS, Math.floor(openFiles / 64)));
  const others = 2 * pipes + visitors + lookers;
  const free = Math.max(10, openFiles - RESERVE - RESERVE_PER_WORKER * workers - others);
  const kept = Math.min(1024, Math.floor(free / 8));
  const refusals = Math.min(16, Math.floor(free / 4));
  const fitting = Math.max(2, Math.floor(((free - kept - refusals) * 0.9) / 2));
  return { connections: Math.min(configured ?? fitting, fitting), refusals, kept, pipes, visitors, lookers };
}

/** The limit on open files as the process has it; 1,024 where the system doesn't tell. */
export function openFileLimit(): number {
  const report = process.report.getReport();
  const limits: unknown = 'userLimits' in report ? report.userLimits : undefined;
  if (typeof limits !== 'object' || limits === null || !('open_files' in limits)) return 1024;
  const files = limits.open_files;
  if (typeof files !== 'object' || files === null || !('soft' in files)) return 1024;
  return typeof files.soft === 'number' ? files.soft : 65_536;
}

/** Descriptors that the process has open; null where the system doesn't tell. Since 6.2 Linux says how many as the folder's size;
 *  before, they have to be counted. */
export function openDescriptors(): number | null {
  const folder = '/proc/self/fd';
  try {
    return statSync(folder).size || readdirSync(folder).length - 1;
  } catch {
    return null;
  }
}
