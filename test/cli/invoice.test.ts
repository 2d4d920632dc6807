import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openLedger } from '../../src/store/ledger-store.ts';
import { startGateway } from '../support/gateway.ts';
import { makeProject } from './project.ts';

const pool = { name: 'res', tier: 'res', price: { perGB: 4, perRequest: 0, perIpMonth: 0, currency: 'EUR' } };
const hour = Date.parse('2026-11-01') / 3_600_000;
const entry = {
  client: 'a',
  tag: '',
  site: 's.example',
  pool,
  kind: 'ok',
  country: '',
  hour,
  exchanges: 1,
  attempts: 1,
  requests: 1,
  ms: 1,
};

test('a bill is compared with the ledger, day by day', async (t) => {
  const gateway = await startGateway({
    config: { ledger: { enabled: false } },
    pools: { res: { exits: [{ direct: true }] } },
  });
  const ledger = openLedger(join(gateway.folder, 'data'), {
    exchanges: 0,
    pairs: 100,
    other: '(other)',
    now: Date.now,
  });
  ledger.add(
    [
      { ...entry, sent: 500_000_000, received: 500_000_000 },
      { ...entry, hour: hour + 24, sent: 0, received: 1_000_000_000 },
    ],
    [],
  );
  ledger.close();
  const bill = join(gateway.folder, 'bill.csv');
  const check = (...args: string[]) => gateway.command('invoice', 'check', bill, '--pool', 'res', ...args);

  await writeFile(bill, 'day,gb,amount\n2026-11-01,1.005,4.02\n2026-11-02,1.00,4.00\n');
  const agrees = await check();
  t.is(agrees.code, 0, agrees.stderr);
  t.regex(agrees.stdout, /the bill agrees with the ledger/);
  t.is((await check('--tolerance', '0.4')).code, 1);

  await writeFile(bill, 'day,gb,amount\n2026-11-01,1.2,4.80\n2026-11-02,1.00,4.00\n2026-11-03,1,4\n');
  const off = await check('--json');
  t.is(off.code, 1);
  const { agrees: isRight, days, total } = JSON.parse(off.stdout);
  t.false(isRight);
  t.deepEqual(days[0], {
    day: '2026-11-01',
    bytes: { billed: 1_200_000_000, booked: 1_000_000_000, difference: 200_000_000 },
    requests: { booked: 1 },
    amount: { billed: '4.80', booked: '4.00', difference: '0.80' },
  });
  t.like(days[2], { day: '2026-11-03', bytes: { difference: 1_000_000_000 } });
  t.is(total.amount.difference, '4.80');
  t.regex((await check()).stdout, /^2 of 3 days differ/m);

  await writeFile(bill, 'day,gb\n2026-11-01,x\n');
  const bad = await check();
  t.is(bad.code, 2);
  t.regex(bad.stderr, /bill\.csv: line 2: "x" in gb is no number/);
  t.is((await gateway.command('invoice', 'check', bill)).code, 2);
  t.is((await gateway.command('invoice', 'check', 'nowhere.csv', '--pool', 'res')).code, 2);
  t.is((await gateway.command('invoice', 'check', bill, '--pool', 'none')).code, 2);
  await gateway.stop();
});

test('of one day, too, the total is called so', async (t) => {
  const { folder, command } = makeProject(t, { 'bill.csv': 'day,gb\n2026-11-01,1\n' });
  const data = join(folder, 'kept');
  const ledger = openLedger(data, { exchanges: 0, pairs: 100, other: '(other)', now: Date.now });
  ledger.add([{ ...entry, sent: 0, received: 1_000_000_000 }], []);
  ledger.close();
  const check = ['invoice', 'check', join(folder, 'bill.csv'), '--pool', 'res', '--data', data];
  const { code, stdout, stderr } = await command(...check, '--json');
  t.is(code, 0, stderr);
  const bytes = { billed: 1_000_000_000, booked: 1_000_000_000, difference: 0 };
  t.deepEqual(JSON.parse(stdout).total, { day: 'total', bytes, requests: { booked: 1 }, amount: { booked: '4.00' } });
  t.regex((await command(...check)).stdout, /^2026-11-01 .*\ntotal /m);
});

test('amounts are compared where the pool has a price, and in its currency', async (t) => {
  const { folder, command } = makeProject(t);
  const data = join(folder, 'kept');
  const ledger = openLedger(data, { exchanges: 0, pairs: 100, other: '(other)', now: Date.now });
  const moved = { ...entry, sent: 0, received: 1_000_000_000 };
  const free = { ...pool, name: 'free', price: null };
  ledger.add([moved, { ...moved, pool: free }, { ...moved, hour: hour + 24, pool: { ...pool, price: null } }], []);
  ledger.close();
  const file = join(folder, 'bill.csv');
  const check = async (bill: string, ...args: string[]) => {
    await writeFile(file, bill);
    return command('invoice', 'check', file, '--data', data, ...args);
  };

  const foreign = await check('day,gb,amount\n2026-11-01,1,$4.00\n', '--pool', 'res');
  t.is(foreign.code, 1);
  t.regex(foreign.stdout, /^the rest agrees/m);
  t.regex(foreign.stderr, /amounts are not compared: the bill has amounts in \$, pool "res" its price in EUR/);
  t.notRegex(foreign.stdout, /AMOUNT/);
  const json = await check('day,gb,amount,currency\n2026-11-01,1,4,EUR\n', '--pool', 'res', '--json');
  t.like(JSON.parse(json.stdout), { agrees: true, currency: 'EUR', billCurrencies: ['EUR'] });

  const priceless = await check('day,gb,amount\n2026-11-01,1,4.00\n', '--pool', 'free');
  t.is(priceless.code, 0, priceless.stdout);
  t.regex(priceless.stderr, /amounts are not compared: pool "free" had no price/);
  const told = await check('day,gb,amount,billing currency\n2026-11-01,1,4.00,Franken\n', '--pool', 'res', '--json');
  t.like(JSON.parse(told.stdout), {
    agrees: false,
    amountsNotCompared: 'the bill has amounts in Franken, pool "res" its price in EUR',
  });
  const alone = await check('day,amount\n2026-11-01,4.00\n', '--pool', 'free');
  t.is(alone.code, 2);
  t.regex(alone.stderr, /pool "free" had no price .*amounts are all that the bill tells/);
  const partly = await check('day,amount\n2026-11-01,4.00\n2026-11-02,4.00\n', '--pool', 'res');
  t.is(partly.code, 1);
  t.regex(partly.stderr, /part of it was booked while the pool had no price/);
});
