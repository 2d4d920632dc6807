import test from 'ava';
import { closest } from '../../src/config/suggestion.ts';

const known = ['listeners', 'timeouts', 'rules', 'data', 'pools', 'workers'];

for (const [word, meant] of [
  ['listner', 'listeners'],
  ['Listeners', 'listeners'],
  ['timeuots', 'timeouts'],
  ['pool', 'pools'],
  ['dta', 'data'],
  ['rulez', 'rules'],
  ['cache', null],
  ['x', null],
  ['', null],
] as const) {
  test(`"${word}" is a slip of ${meant}`, (t) => t.is(closest(word, known), meant));
}

test('a word of any length costs no more than a short one', (t) => t.is(closest('x'.repeat(1e6), known), null));
