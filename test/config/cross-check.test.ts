import test from 'ava';
import { crossCheck, exposureWarnings } from '../../src/config/cross-check.ts';
import { formatFault } from '../../src/config/fault.ts';
import { limitFaults, quotaWarnings } from '../../src/config/limit-check.ts';
import { loadConfig } from '../../src/config/load.ts';

function checked(yaml: string) {
  const result = loadConfig('f.yaml', { env: {}, readText: () => yaml });
  if (!result.ok) throw new Error(result.faults.map(formatFault).join('\n'));
  return result;
}

test('pools that are named must exist', (t) => {
  const config = checked(
    'defaultPool: demo\nrules: { allow: [{ port: 22 }, { port: 23, pool: reside }], deny: [{ port: 1, pool: x }] }',
  );
  t.deepEqual(crossCheck(config, [{ name: 'residential' }, { name: 'dc' }]).map(formatFault), [
    'f.yaml:1:14 defaultPool there is no pool "demo": pools are residential, dc',
    'f.yaml:2:50 rules.allow[1].pool there is no pool "reside": pools are residential, dc',
    'f.yaml:2:85 rules.deny[0].pool there is no pool "x": pools are residential, dc',
  ]);
  t.deepEqual(crossCheck(checked('defaultPool: a'), [{ name: 'a' }]), []);
  t.regex(crossCheck(checked('defaultPool: a'), [])[0]!.message, /there are no pools$/);
});

const open = (host: string, rule: string) =>
  checked(`listeners: [{ name: a, host: "${host}", port: 1, protocols: [http] }]\nrules: { allow: [{ ${rule} }] }`);

test('loopback or private ranges that are open beyond loopback are warned of', (t) => {
  t.deepEqual(exposureWarnings(open('0.0.0.0', 'cidr: 127.0.0.0/8, pool: x')).map(formatFault), [
    'f.yaml:2:18 rules.allow[0] opens 127.0.0.0/8 to clients of listener "a", which is bound beyond loopback',
  ]);
  for (const cidr of [
    '0.0.0.0/0',
    '10.1.2.3',
    '192.168.7.0/24',
    '172.16.0.0/12',
    '169.254.169.254',
    '::1',
    'fd00::/8',
    '::/0',
  ]) {
    t.is(exposureWarnings(open('::', `cidr: "${cidr}"`)).length, 1, cidr);
  }
  t.is(exposureWarnings(open('192.0.2.1', 'host: 10.0.0.1')).length, 1);
});

test('what is bound to loopback, or opens nothing inner, is no cause for warning', (t) => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
    t.deepEqual(exposureWarnings(open(host, 'cidr: 0.0.0.0/0')), []);
  for (const rule of ['cidr: 203.0.113.0/24', 'port: 22', 'host: example.com', 'cidr: "2001:db8::/32"']) {
    t.deepEqual(exposureWarnings(open('0.0.0.0', rule)), []);
  }
});

test('the pools of limits must exist', (t) => {
  const config = checked(
    'limits:\n  clients: [requests=5/s, pool=x requests=5/s]\n  exits: [pool=res exchanges=3, pool=y exchanges=3]',
  );
  t.deepEqual(limitFaults(config, [{ name: 'res', price: null }]).map(formatFault), [
    'f.yaml:2:27 limits.clients[1] there is no pool "x": pools are res',
    'f.yaml:3:33 limits.exits[1] there is no pool "y": pools are res',
  ]);
  t.regex(limitFaults(config, [])[0]!.message, /^there is no pool "x": there are no pools$/);
});

test('quotas must be able to count: their pool exists, and their money is that of a pool', (t) => {
  const config = checked(
    'limits:\n  quotas: [pool=x bytes=1GB/day, money=5EUR/day, money=5USD/day pool=dc, money=5USD/month]',
  );
  const pools = [
    { name: 'res', price: { currency: 'USD' } },
    { name: 'dc', price: { currency: 'GBP' } },
  ];
  t.deepEqual(limitFaults(config, pools).map(formatFault), [
    'f.yaml:2:12 limits.quotas[0] there is no pool "x": pools are res, dc',
    'f.yaml:2:34 limits.quotas[1] money: no pool has a price in EUR; write the amount in GBP or USD',
    'f.yaml:2:50 limits.quotas[2] money: pool "dc" has no price in USD; write the amount in GBP',
  ]);
  t.regex(
    quotaWarnings(config, pools).map(formatFault).at(-1)!,
    /quotas\[3\] doesn't count .* another currency cost: dc;/,
  );
});
