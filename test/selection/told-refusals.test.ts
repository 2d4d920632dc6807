import test from 'ava';
import { ToldRefusals } from '../../src/selection/told-refusals.ts';

const slot = 3;
const told = (authority: string, at: number, { othersWorkedAt = null as number | null, workedAt = 0 } = {}) => ({
  slot,
  authority,
  othersWorkedAt,
  workedAt,
  at,
});

test('what it tells of three origins since it last worked is too much', (t) => {
  const refusals = new ToldRefusals();
  refusals.note(told('a:443', 1));
  refusals.note(told('b:443', 2));
  t.false(refusals.areTooMany(slot, 0));
  refusals.note(told('c:443', 3));
  t.true(refusals.areTooMany(slot, 0));
  t.false(refusals.areTooMany(slot + 1, 0));
  t.false(refusals.areTooMany(slot, 2), 'it has worked since');
});

test('one origin counts once, however often it is asked for', (t) => {
  const refusals = new ToldRefusals();
  for (let at = 1; at < 100; at++) refusals.note(told('a:443', at, { othersWorkedAt: 1 }));
  t.false(refusals.areTooMany(slot, 0));
});

test('but again each time that others have reached it since', (t) => {
  const refusals = new ToldRefusals();
  for (const at of [10, 20, 30]) refusals.note(told('a:443', at, { othersWorkedAt: at - 5 }));
  t.true(refusals.areTooMany(slot, 0));
});

test('a success between begins the count anew', (t) => {
  const refusals = new ToldRefusals();
  refusals.note(told('a:443', 1));
  refusals.note(told('b:443', 2));
  refusals.note(told('c:443', 4, { workedAt: 3 }));
  refusals.note(told('d:443', 5, { workedAt: 3 }));
  t.false(refusals.areTooMany(slot, 3));
});

test('the memory is bounded: what told something longest ago goes first', (t) => {
  const refusals = new ToldRefusals({ capacity: 10 });
  for (let each = 0; each < 100; each++)
    for (const [at, authority] of ['a', 'b', 'c'].entries())
      refusals.note({ slot: each, authority, othersWorkedAt: null, workedAt: -1, at });
  t.is(refusals.size, 10);
  t.false(refusals.areTooMany(0, -1));
  t.true(refusals.areTooMany(99, -1));
});

test('it is found out by too many of which others have reached one since it last worked', (t) => {
  const refusals = new ToldRefusals();
  refusals.disproved(slot, 'a:443', 1);
  for (const [at, authority] of [
    [2, 'a:443'],
    [3, 'b:443'],
  ] as const)
    refusals.note(told(authority, at));
  refusals.disproved(slot, 'b:443', 4);
  t.false(refusals.isFoundOut(slot, 0), 'not too many');
  refusals.note(told('c:443', 5));
  t.true(refusals.isFoundOut(slot, 0));
  t.false(refusals.isFoundOut(slot, 4), 'it has worked since');
  const others = new ToldRefusals();
  for (const [at, authority] of [
    [2, 'a:443'],
    [3, 'b:443'],
    [4, 'c:443'],
  ] as const)
    others.note(told(authority, at));
  t.false(others.isFoundOut(slot, 0), 'nobody has reached them');
  others.disproved(slot, 'd:443', 5);
  t.false(others.isFoundOut(slot, 0), 'of that it has told nothing');
});
