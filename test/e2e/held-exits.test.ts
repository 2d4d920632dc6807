import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { farFromMidnight } from '../support/far-from-midnight.ts';
import { startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';

test.beforeEach(farFromMidnight);

test('exits that cost by the month are told in usage and held against the bill, once a day, over kills and reloads', async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.close);
  const exit = await startHttpExit();
  t.teardown(exit.close);
  const port = new URL(exit.url).port;
  const list = (count: number) => Array.from({ length: count }, (_, i) => `http://127.0.0.${i + 1}:${port}\n`).join('');
  let gateway = await startGateway({
    pools: {
      isp: { price: { perIpMonth: 31, perGB: 1 }, exits: [{ list: 'isp.txt' }] },
      free: { exits: [{ url: exit.url }] },
    },
    files: { 'pools/isp.txt': list(3) },
  });
  const costOf = async () => {
    const { rows, total } = JSON.parse(
      (await gateway.command('usage', '--by', 'pool', '--since', '1d', '--json')).stdout,
    );
    t.deepEqual(total.spent.held.cost, { USD: total.spent.held.cost.USD });
    t.true(rows.every(({ pool }: { pool: string }) => pool !== 'free'));
    return Number(total.spent.held.cost.USD);
  };
  const now = new Date();
  const days = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 0)).getUTCDate();
  const near = (cost: number, exits: number) => Math.abs(cost - (exits * 31) / days) < 1e-9;
  await forwardVia(gateway.port(), `http://localhost:${origin.port}/bytes/1000`, {
    login: gateway.login('tester', 'pool-isp'),
  });
  t.true(near(await costOf(), 3));
  await writeFile(join(gateway.folder, 'pools/isp.txt'), list(5));
  await gateway.command('pool', 'reload');
  t.true(near(await costOf(), 5), 'the most that there were that day');
  await writeFile(join(gateway.folder, 'pools/isp.txt'), list(2));
  await gateway.command('pool', 'reload');
  await gateway.kill({ keepFolder: true });
  gateway = await gateway.startAgain();
  t.teardown(gateway.stop);
  t.true(near(await costOf(), 5));
  const month = now.toISOString().slice(0, 7);
  const bill = async (amount: number, ...more: string[]) => {
    const file = join(gateway.folder, 'bill.csv');
    await writeFile(file, `month,amount\n${month},${amount.toFixed(6)}\n`);
    return gateway.command('invoice', 'check', file, '--pool', 'isp', '--day', 'month', ...more);
  };
  const right = await bill((5 * 31) / days);
  t.is(right.code, 0, right.stderr + right.stdout);
  const wrong = await bill(155);
  t.is(wrong.code, 1);
  t.regex(wrong.stdout, /1 of 1 months differ by more than 1 %/);
  const { stdout } = await gateway.command('usage', '--by', 'kind');
  t.regex(stdout, /held/);
  t.regex(stdout, /for exits held by the month/);
});
