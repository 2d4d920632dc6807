import { parentPort, workerData } from 'node:worker_threads';
import type { LimitMemory } from '../../src/policy/limit-counts.ts';
import { ClientQuotas } from '../../src/policy/quota-book.ts';
import { QuotaCounts } from '../../src/policy/quota-counts.ts';
import { parseQuotaRule } from '../../src/protocol/quota-rule.ts';

/** What a thread is given: on each of so many days it takes one unit after the other until one is refused. */
export interface QuotaLoad {
  readonly memory: LimitMemory;
  readonly rule: string;
  readonly from: number;
  readonly days: number;
}

const DAY = 86_400_000;
const { memory, rule, from, days }: QuotaLoad = workerData;
const reading = parseQuotaRule(rule);
if (!reading.ok) throw new Error(reading.message);
const [quota] = new ClientQuotas('acme', { own: [reading.value], everyone: [] }).all;
let wallTime = from;
const counts = new QuotaCounts(memory, { now: () => 0, wallTime: () => wallTime, met: () => {} });
parentPort?.once('message', () => {
  let taken = 0;
  for (let day = 0; quota !== undefined && day < days; day++, wallTime += DAY) {
    const account = counts.accountOf(quota);
    while (counts.take(account, 1n, quota.most) === true) taken += 1;
  }
  parentPort?.postMessage(taken);
});
parentPort?.postMessage('ready');
