import { readdirSync } from 'node:fs';
import test from 'ava';
import { relayBinding } from '../support/native-relay.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { ParkingModel } from './parking-model.ts';
import { PollerPairs } from './poller-pairs.ts';
import { RelayModel } from './relay-model.ts';

/** The relay's own calls in random order over real connections: with handles and tickets that live, that have ended, and that never
 *  were, against a model of what may be. */

/** At least so many calls, and more until so many tunnels were handed over: a busy machine makes connections late. */
const CALLS = 12_000;
const TUNNELS = 200;

const binding = relayBinding();
/** Skipped where there is no addon. */
const orderTest = binding === null ? test.skip : test;

orderTest('calls in any order reach the tunnel they name, or nothing', async (t) => {
  t.true(binding!.open(() => {}, true, 2, 8));
  const pairs = new PollerPairs(binding!);
  t.teardown(() => pairs.close());
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const faults: string[] = [];
  const parts = { binding: binding!, pairs, random: seededRandom(5), fault: (what: string) => void faults.push(what) };
  const [model, parking] = [new RelayModel(parts), new ParkingModel(parts)];
  for (let call = 0; (call < CALLS || model.adopted < TUNNELS) && faults.length === 0; call++) {
    model.step();
    if (call % 16 === 0) parking.step(model.descriptor());
    pairs.prepare(8);
    if (call % 8 === 0) await new Promise(setImmediate);
  }
  await until(() => {
    model.end();
    // A connection lives as long as a duplicate of it is parked.
    parking.buryAll();
    return model.isAtRest || faults.length > 0;
  }, 'every tunnel has ended');
  t.deepEqual(faults, []);
  await until(() => pairs.awaited === 0, 'no pair is on its way');
  pairs.close();
  // The listener was there before.
  await until(() => descriptors() < before, 'descriptors are closed');
  t.log(`${model.adopted} tunnels`);
});
