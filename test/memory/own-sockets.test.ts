import test from 'ava';
import { OwnSockets } from '../../src/memory/own-sockets.ts';
import { AtomicWords } from '../../src/memory/words.ts';

const words = () => new AtomicWords(new SharedArrayBuffer(4 * OwnSockets.wordsFor(2)));
const ends = (port: number) => `127.0.0.1 ${port} 127.0.0.1 8080`;

test('what one worker opens another one knows, until it is closed', (t) => {
  const shared = words();
  const [one, other] = [0, 1].map((worker) => new OwnSockets({ words: shared, worker, seed: 5 }));
  one!.add(ends(1));
  other!.add(ends(2));
  for (const own of [one!, other!]) {
    t.true(own.has(ends(1)) && own.has(ends(2)));
    t.false(own.has(ends(3)) || own.has('127.0.0.2 1 127.0.0.1 8080'));
    t.is(own.size, 1);
  }
  one!.delete(ends(1));
  one!.delete(ends(2));
  t.false(other!.has(ends(1)));
  t.true(one!.has(ends(2)));
});

test('a connection that is opened again before its end was noticed stays known', (t) => {
  const own = new OwnSockets({ words: words(), worker: 0, seed: 5 });
  own.add(ends(1));
  own.add(ends(1));
  own.delete(ends(1));
  t.true(own.has(ends(1)));
  own.delete(ends(1));
  t.false(own.has(ends(1)));
  t.is(own.size, 0);
  t.true(own.isEmpty);
});

test('thousands find room, and none is taken for another', (t) => {
  const own = new OwnSockets({ words: words(), worker: 1, seed: 77 });
  for (let port = 1; port <= 5_000; port++) own.add(ends(port));
  t.true(own.size > 4_990);
  const known = (from: number) =>
    Array.from({ length: 5_000 }, (_, i) => own.has(ends(from + i))).filter(Boolean).length;
  t.is(known(1), own.size);
  t.is(known(5_001), 0);
  for (let port = 1; port <= 5_000; port++) own.delete(ends(port));
  t.is(own.size, 0);
});

test('what a dead worker held is given back, and nothing of the others', (t) => {
  const shared = words();
  const [one, other] = [0, 1].map((worker) => new OwnSockets({ words: shared, worker, seed: 5 }));
  one!.add(ends(1));
  other!.add(ends(2));
  OwnSockets.release(shared, 0);
  t.false(other!.has(ends(1)));
  t.true(one!.has(ends(2)));
  t.is(one!.size, 0);
});
