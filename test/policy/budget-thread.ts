import { parentPort, workerData } from 'node:worker_threads';
import { LoginLimits, type LoginMemory } from '../../src/policy/login-limits.ts';
import { ReportLimits, type ReportMemory } from '../../src/policy/report-limits.ts';

/** What a thread is given: of each of so many keys it takes one after the other until one is refused. */
export interface BudgetLoad {
  readonly logins: LoginMemory;
  readonly reports: ReportMemory;
  readonly each: number;
  readonly keys: number;
}

const { logins, reports, each, keys }: BudgetLoad = workerData;
const loginLimits = new LoginLimits({ perSource: each, perName: keys * each, windowMs: 60_000 }, logins);
const reportLimits = new ReportLimits({ perClient: each, windowMs: 60_000 }, reports);

function takeAll(take: (key: number) => boolean): number {
  let taken = 0;
  for (let key = 0; key < keys; key++) while (take(key)) taken += 1;
  return taken;
}

const takes = {
  logins: (key: number) => loginLimits.failed(`10.0.${key >> 8}.${key & 255}`, 'acme', 0).ok,
  reports: (key: number) => reportLimits.take(`client${key}`, 0) === 0,
} as const;

/** `first`: one of each key, so that each has its cell; else all that is left. */
export interface BudgetOrder {
  readonly kind: keyof typeof takes;
  readonly first: boolean;
}

parentPort?.on('message', ({ kind, first }: BudgetOrder) => {
  const take = takes[kind];
  if (first) for (let key = 0; key < keys; key++) take(key);
  parentPort?.postMessage(first ? keys : takeAll(take));
});
parentPort?.postMessage('ready');
