import test from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { QuotaRequests } from '../../src/gateway/quotas/quota-requests.ts';
import { Spending } from '../../src/gateway/quotas/quota-spending.ts';
import { RequestPayments } from '../../src/gateway/quotas/request-payments.ts';
import { ClientQuotas } from '../../src/policy/quota-book.ts';
import { parseQuotaRule } from '../../src/protocol/quota-rule.ts';

test('what there was no room to count is given back to nobody’s count', (t) => {
  const readings = ['money=10USD/day kind=soft', 'money=10USD/week'].map(parseQuotaRule);
  const own = readings.map((reading) => {
    if (!reading.ok) throw new Error(reading.message);
    return reading.value;
  });
  const [soft, hard] = new ClientQuotas('acme', { own, everyone: [] }).all;
  const counted: [name: string, units: bigint][] = [];
  const full = { soft: true };
  const counts = {
    add({ name }: { name: string }, units: bigint) {
      if (full.soft) return null;
      counted.push([name, units]);
      return units;
    },
    take: () => null,
  };
  const refusal = () => new GatewayError('quota_exceeded', { detail: '' });
  const payments = new RequestPayments({ counts: counts as never, tell() {}, refusal });
  const of = (quota: typeof soft) => ({ quota: quota!, account: { name: quota!.name } as never, counts: true });
  const price = { perOctet: 0, perRequest: 5n, currency: 'USD' };
  const spendingOf = () => new Spending('res', price, { sent: 0, received: 0, settle() {} });

  const first = spendingOf();
  t.is(payments.take(first, [of(soft)]), null);
  full.soft = false;
  payments.giveBack(first);
  t.deepEqual(counted, []);

  const fault = t.throws(() => payments.take(spendingOf(), [of(soft), of(hard)]), { instanceOf: GatewayError });
  t.is(fault.kind, 'overloaded');
  t.deepEqual(counted, [
    [soft!.name, 5n],
    [soft!.name, -5n],
  ]);
});

test('nor is a request that there was no room to count', (t) => {
  const reading = parseQuotaRule('requests=10/day kind=soft');
  if (!reading.ok) throw new Error(reading.message);
  const [quota] = new ClientQuotas('acme', { own: [reading.value], everyone: [] }).all;
  const added: bigint[] = [];
  const counts = {
    add(_: unknown, units: bigint) {
      added.push(units);
      return null;
    },
  };
  const requests = new QuotaRequests({ counts: counts as never, tell() {}, refusal: () => t.fail() as never });
  const hold = { requests: [] } as never;
  requests.take(hold, [{ quota: quota!, account: { name: quota!.name } as never, counts: true }]);
  requests.keep(hold, []);
  t.deepEqual(added, [1n]);
});
