import test from 'ava';
import { VerdictLedger } from '../../src/signals/verdict-ledger.ts';

test('verdicts are counted for the exit that they are about', (t) => {
  const ledger = new VerdictLedger();
  const [old, now] = [
    { slot: 3, generation: 1 },
    { slot: 3, generation: 2 },
  ];
  ledger.judged(old, 'shop.example', { verdict: 'refused' });
  ledger.judged(old, 'shop.example', { verdict: 'served' });
  t.deepEqual(ledger.of(old), { served: 1, refused: 1 });
  t.deepEqual(ledger.of(now), { served: 0, refused: 0 });
  ledger.judged(now, 'shop.example', { verdict: 'served' });
  ledger.judged(old, 'shop.example', { verdict: 'refused' });
  t.deepEqual(ledger.of(now), { served: 1, refused: 0 }, 'what is said of the former exit comes too late');
});

test('exits counted are bounded', (t) => {
  const ledger = new VerdictLedger({ capacity: 2 });
  for (const slot of [1, 2, 3]) ledger.judged({ slot, generation: 1 }, 'shop.example', { verdict: 'served' });
  t.deepEqual(
    [1, 2, 3].map((slot) => ledger.of({ slot, generation: 1 }).served),
    [0, 1, 1],
  );
});
