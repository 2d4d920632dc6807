import test from 'ava';
import { EVERYTHING, GROUP_WORDS, GroupTable, GroupWord } from '../../src/memory/group-table.ts';

const terms = { tier: 2, pricePerGB: 4.2 };

test('a country of a provider is a group that knows its provider, tier and price', (t) => {
  const groups = new GroupTable(GroupTable.allocate(16));
  const us = groups.rowOf('res', 'us', terms);
  const whole = groups.rowOf('res', '', terms);
  t.is(groups.rowOf('res', 'us', terms), us);
  t.not(groups.rowOf('res', 'de', terms), us);
  t.not(groups.rowOf('dc', 'us', terms), us);
  t.is(groups.ints[us * GROUP_WORDS + GroupWord.provider], whole);
  t.is(groups.ints[whole * GROUP_WORDS + GroupWord.provider], whole);
  t.is(groups.ints[us * GROUP_WORDS + GroupWord.tier], 2);
  t.is(groups.floats[us * GROUP_WORDS + GroupWord.pricePerGB], Math.fround(4.2));
});

test('a new price is taken over', (t) => {
  const groups = new GroupTable(GroupTable.allocate(16));
  groups.rowOf('res', 'us', terms);
  const us = groups.rowOf('res', 'us', { ...terms, pricePerGB: 3 });
  t.is(groups.floats[us * GROUP_WORDS + GroupWord.pricePerGB], 3);
});

test('a full table serves with the provider, and at last with everything', (t) => {
  const groups = new GroupTable(GroupTable.allocate(3));
  const whole = groups.rowOf('a', '', terms);
  t.is(groups.rowOf('a', 'us', terms), 2);
  t.is(groups.rowOf('a', 'de', terms), whole);
  t.is(groups.rowOf('b', 'us', terms), EVERYTHING);
});

test('groups are told by name, the one of everything too', (t) => {
  const groups = new GroupTable(GroupTable.allocate(8));
  const terms = { tier: 1, pricePerGB: 1 };
  const [whole, german] = [groups.rowOf('isp', '', terms), groups.rowOf('isp', 'de', terms)];
  const named = new Map(groups.named());
  t.deepEqual([...named.values()], [EVERYTHING, whole, german]);
  for (const [name, row] of named) t.is(groups.rowNamed(name), row);
  t.is(groups.rowNamed('other'), undefined);
});

test('what is learned is noted until it is asked for, by whatever thread', (t) => {
  const buffer = GroupTable.allocate(8);
  const [here, there] = [new GroupTable(buffer), new GroupTable(buffer)];
  t.false(here.takeLearned());
  there.noteLearned();
  there.noteLearned();
  t.true(here.takeLearned());
  t.false(here.takeLearned());
});
