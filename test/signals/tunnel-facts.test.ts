import test from 'ava';
import { TunnelSignals } from '../../src/signals/tunnel-facts.ts';
import { helloFor } from '../protocol/hellos.ts';

const end = { bytesAtoB: 5, bytesBtoA: 7, ended: 'closed', by: null } as const;

/** A tunnel over which pieces come one ms after the other; an empty one is a FIN. */
function watch(pieces: readonly ['a' | 'b', Buffer][], wantsName = false) {
  let now = 1_000;
  const signals = new TunnelSignals({ now: () => now, wantsName });
  const wanted = pieces.map(([from, octets]) => {
    now++;
    if (octets.length > 0) return signals.chunk(from, octets);
    signals.end(from);
    return false;
  });
  now += 10;
  return { facts: signals.facts(end), wanted };
}

const hello = helloFor('www.shop.example');
const serverHello = Buffer.from([22, 3, 3, 0, 90, 2, 0]);

test('time, type and length of the first record each way', (t) => {
  const { facts, wanted } = watch([
    ['a', hello],
    ['b', serverHello],
    ['b', Buffer.from([21, 3, 3, 0, 2])],
  ]);
  t.deepEqual(facts.client, { firstAtMs: 1, firstType: 22, firstLength: hello.length - 5 });
  t.deepEqual(facts.origin, { firstAtMs: 2, firstType: 22, firstLength: 90 });
  t.like(facts, { clientBytes: 5, originBytes: 7, durationMs: 13, ended: 'closed', by: null, serverName: null });
  t.deepEqual(wanted, [false, false, false], 'five octets are enough');
});

test('a record’s head in pieces', (t) => {
  const { facts, wanted } = watch([...serverHello].map((octet) => ['b', Buffer.from([octet])]));
  t.deepEqual(facts.origin, { firstAtMs: 1, firstType: 22, firstLength: 90 });
  t.deepEqual(wanted, [true, true, true, true, false, false, false]);
});

test('what is no TLS counts by its first chunk', (t) => {
  const { facts } = watch([
    ['a', Buffer.from('SSH-2.0-x')],
    ['b', Buffer.from([22, 3, 3])],
  ]);
  t.deepEqual(facts.client, { firstAtMs: 1, firstType: 0, firstLength: 9 });
  t.deepEqual(facts.origin, { firstAtMs: 2, firstType: 0, firstLength: 3 }, 'half a head is none');
  t.deepEqual(watch([]).facts.client, { firstAtMs: -1, firstType: 0, firstLength: 0 });
});

test('the name is read where it is asked for', (t) => {
  const halves: ['a', Buffer][] = [
    ['a', hello.subarray(0, 30)],
    ['a', hello.subarray(30)],
  ];
  const asked = watch(halves, true);
  t.is(asked.facts.serverName, 'www.shop.example');
  t.deepEqual(asked.wanted, [true, false]);
  t.is(watch(halves).facts.serverName, null);
  t.deepEqual(watch([['a', Buffer.from('GET / HTTP/1.1\r\n')]], true).wanted, [false], 'no TLS, no name');
});

test('whose FIN came first', (t) => {
  const fin = Buffer.alloc(0);
  t.is(
    watch([
      ['b', fin],
      ['a', fin],
    ]).facts.closedFirst,
    'origin',
  );
  t.is(
    watch([
      ['a', fin],
      ['b', fin],
    ]).facts.closedFirst,
    'client',
  );
  t.is(watch([]).facts.closedFirst, null);
});

test('a relay that keeps its octets to itself tells what it saw', (t) => {
  const signals = new TunnelSignals({ now: () => 0, wantsName: false });
  const a = { firstAtMs: 3, firstType: 22, firstLength: 512 };
  const b = { firstAtMs: 40, firstType: 21, firstLength: 2 };
  const facts = signals.facts({ ...end, beginning: { a, b, closedFirst: 'b' } });
  t.like(facts, { client: a, origin: b, closedFirst: 'origin' });
});
