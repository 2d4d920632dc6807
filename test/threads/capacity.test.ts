import test from 'ava';
import { capacityOf } from '../../src/threads/capacity.ts';

/** Descriptors of the process itself: log, store, control socket and the like; see capacity.ts. */
const OWN = 50;
const OWN_PER_WORKER = 10;

test('all that may be open at once fits, those who look at it and its visitors among them', (t) => {
  for (const openFiles of [512, 1_024, 4_096, 65_536]) {
    for (const workers of [1, 4]) {
      const { connections, refusals, kept, pipes, visitors, lookers } = capacityOf(openFiles, {
        configured: null,
        workers,
      });
      const own = OWN + OWN_PER_WORKER * workers;
      const most = own + 2 * connections + refusals + kept + 2 * pipes + visitors + lookers;
      t.true(most <= openFiles, `${most} of ${openFiles} with ${workers} workers`);
      t.true(visitors <= 512 && lookers <= 64);
    }
  }
});

test('where there is little, little is left for everybody', (t) => {
  const { connections, visitors, lookers } = capacityOf(72, { configured: null, workers: 1 });
  t.deepEqual({ connections, visitors, lookers }, { connections: 3, visitors: 4, lookers: 4 });
});
