import test from 'ava';
import { type Ended, type Runner, raceAgainst } from '../../src/gateway/race.ts';

/** A runner that ends when told to. */
class Manual implements Runner<string> {
  readonly ended: Promise<Ended<string>>;
  calledOff = false;
  end: (result: Ended<string>) => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  callOff(): void {
    this.calledOff = true;
  }
}

const ok = (value: string): Ended<string> => ({ ok: true, value });
const failed = (fault: string): Ended<string> => ({ ok: false, fault });

test('a first that is quick runs alone', async (t) => {
  const first = new Manual();
  const race = raceAgainst<string, Manual>(first, 10_000, () => t.fail());
  first.end(ok('first'));
  t.deepEqual(await race, { runner: first, result: ok('first') });
});

test('the first success wins, and calls the other off', async (t) => {
  for (const wins of [0, 1]) {
    const pair = [new Manual(), new Manual()] as const;
    const race = raceAgainst<string, Manual>(pair[0], 0, () => {
      pair[wins]!.end(ok('won'));
      return pair[1];
    });
    t.deepEqual(await race, { runner: pair[wins]!, result: ok('won') });
    t.false(pair[wins]!.calledOff);
    t.true(pair[1 - wins]!.calledOff);
  }
});

test('a failure waits for the other; of two the last counts', async (t) => {
  for (const [last, result] of [
    ['saved', ok('saved')],
    ['both', failed('both')],
  ] as const) {
    const [first, second] = [new Manual(), new Manual()];
    const race = raceAgainst<string, Manual>(first, 0, () => {
      first.end(failed('first'));
      return second;
    });
    await first.ended;
    second.end(result);
    t.deepEqual(await race, { runner: second, result }, last);
    t.false(first.calledOff || second.calledOff);
  }
});

test('without a rival the first goes on', async (t) => {
  const first = new Manual();
  const race = raceAgainst<string, Manual>(first, 0, () => {
    first.end(ok('first'));
    return null;
  });
  t.deepEqual(await race, { runner: first, result: ok('first') });
});
