import test from 'ava';
import fc from 'fast-check';
import {
  afterEntry,
  afterFall,
  afterNothing,
  afterProbe,
  afterStall,
  afterSuccess,
  EPOCHS,
  epochOf,
  isOpen,
  LAST_STEP,
  pack,
  quotaOf,
  State,
  stateOf,
  unpack,
} from '../../src/selection/provider-standing.ts';

test('a word says what was packed into it', (t) => {
  const standing = fc.record({
    state: fc.constantFrom(State.up, State.down, State.recovering),
    step: fc.nat(LAST_STEP),
    taken: fc.nat(64),
    done: fc.nat(64),
    epoch: fc.nat(EPOCHS - 1),
  });
  fc.assert(fc.property(standing, (one) => t.deepEqual(unpack(pack(one) | 0), one)));
});

test('while it comes back no more are let in at once than the step allows, and each step twice as many', (t) => {
  const event = fc.constantFrom('enter', 'work', 'leave');
  fc.assert(
    fc.property(fc.array(event, { maxLength: 600 }), (events) => {
      let word = afterProbe(afterFall(0));
      let [inside, worked] = [0, 0];
      for (const what of events) {
        if (stateOf(word) === State.up) return worked === 2 ** (LAST_STEP + 1) - 1;
        const next = what === 'enter' ? afterEntry(word) : null;
        if (next !== null) inside += 1;
        word = next ?? word;
        if (what !== 'enter' && inside > 0) {
          inside -= 1;
          if (what === 'work') worked += 1;
          word = what === 'work' ? afterSuccess(word) : afterNothing(word);
        }
        const most = quotaOf(Math.floor(Math.log2(worked + 1)));
        if (inside > most || (stateOf(word) === State.recovering && isOpen(word) !== unpack(word).taken < most))
          return false;
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('up lets in without counting, down nobody; each fall and each return is another epoch', (t) => {
  t.is(afterEntry(0), 0);
  const down = afterFall(0);
  t.is(afterEntry(down), null);
  const back = afterProbe(down);
  t.deepEqual([epochOf(0), epochOf(down), epochOf(back)], [0, 1, 2]);
  const last = pack({ ...unpack(back), epoch: EPOCHS - 1 });
  t.is(epochOf(afterFall(last)), 0);
});

test('places of attempts that never came back are given to others', (t) => {
  const taken = afterEntry(afterProbe(afterFall(0))) ?? 0;
  t.is(afterEntry(taken), null);
  const freed = afterStall(taken);
  t.not(afterEntry(freed), null);
  // One that comes late all the same counts, and takes nobody's place away.
  const late = unpack(afterSuccess(freed));
  t.deepEqual([late.step, late.taken, late.done], [1, 0, 0]);
});
