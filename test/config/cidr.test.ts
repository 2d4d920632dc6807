import test from 'ava';
import { overlap, parseCidr } from '../../src/config/cidr.ts';

const read = (text: string) => {
  const reading = parseCidr(text);
  return reading.ok ? reading.value.text : null;
};

for (const [text, canonical] of [
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['192.0.2.7', '192.0.2.7/32'],
  ['::1', '::1/128'],
  ['2001:DB8:0::/32', '2001:db8::/32'],
  ['::/0', '::/0'],
  ['::ffff:0:0:0/96', '::ffff:0:0:0/96'],
] as const) {
  test(`range ${text}`, (t) => t.is(read(text), canonical));
}

for (const text of [
  '',
  '/',
  '10/8',
  '010.0.0.0/8',
  '0x0a.0.0.0/8',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  '10.0.0.0/8 ',
  '::/129',
  'fe80::%eth0/10',
  '::ffff:10.0.0.0/104',
  'example.com/8',
  '1.2.3.4-1.2.3.9',
]) {
  test(`no range: "${text}"`, (t) => t.is(read(text), null));
}

test('bits behind the prefix are a fault that shows the range that was meant', (t) => {
  t.deepEqual(parseCidr('10.1.2.3/8'), { ok: false, message: 'bits are set behind the prefix: write 10.0.0.0/8' });
  t.deepEqual(parseCidr('fe80::1/10'), { ok: false, message: 'bits are set behind the prefix: write fe80::/10' });
});

test('ranges overlap where one holds the other, within a family', (t) => {
  const both = (a: string, b: string) => {
    const [first, second] = [parseCidr(a), parseCidr(b)];
    return first.ok && second.ok && overlap(first.value, second.value);
  };
  t.true(both('127.0.0.1', '127.0.0.0/8'));
  t.true(both('0.0.0.0/0', '127.0.0.0/8'));
  t.true(both('::/0', 'fc00::/7'));
  t.false(both('128.0.0.0/8', '127.0.0.0/8'));
  t.false(both('0.0.0.0/0', '::1'));
});
