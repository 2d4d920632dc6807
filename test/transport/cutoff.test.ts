import { getEventListeners } from 'node:events';
import test from 'ava';
import { Cutoff } from '../../src/transport/cutoff.ts';

const late = () => new Error('late');

/** A wait that ends when told to, and counts its releases. */
function pending() {
  const made = { releases: 0, resolve: (_: string) => {}, reject: (_: unknown) => {} };
  const begin = (resolve: (value: string) => void, reject: (cause: unknown) => void) => {
    Object.assign(made, { resolve, reject });
    return () => {
      made.releases++;
    };
  };
  return { made, begin };
}

test('a wait ends once, whatever comes after, and releases once', async (t) => {
  const cutoff = new Cutoff(60_000);
  const { made, begin } = pending();
  const wait = cutoff.wait(late, begin);
  made.resolve('first');
  made.resolve('second');
  made.reject(new Error('third'));
  t.is(await wait, 'first');
  t.is(made.releases, 1);
  cutoff.close();
});

test('a restart gives what follows a time of its own', async (t) => {
  const cutoff = new Cutoff(1);
  await t.throwsAsync(cutoff.wait(late, pending().begin), { message: 'late' });
  cutoff.restart(60_000);
  const { made, begin } = pending();
  const wait = cutoff.wait(late, begin);
  made.resolve('in time');
  t.is(await wait, 'in time');
  cutoff.restart(1);
  await t.throwsAsync(cutoff.wait(late, pending().begin), { message: 'late' });
  cutoff.close();
});

test('a wait that is over as it begins releases too', async (t) => {
  const cutoff = new Cutoff(60_000);
  let releases = 0;
  const wait = cutoff.wait<string>(late, (resolve) => {
    resolve('at once');
    return () => {
      releases++;
    };
  });
  t.is(await wait, 'at once');
  t.is(releases, 1);
  cutoff.close();
});

test('the deadline ends the wait under way, and every later one', async (t) => {
  const cutoff = new Cutoff(10);
  const { made, begin } = pending();
  await t.throwsAsync(cutoff.wait(late, begin), { message: 'late' });
  t.is(made.releases, 1);
  await t.throwsAsync(cutoff.wait(late, begin), { message: 'late' });
  t.is(made.releases, 1, 'not begun');
  cutoff.close();
});

test('an abort ends the wait with its reason, and every later one', async (t) => {
  const controller = new AbortController();
  const cutoff = new Cutoff(60_000, controller.signal);
  const { made, begin } = pending();
  const reason = { any: 'value' };
  const wait = cutoff.wait(late, begin);
  controller.abort(reason);
  t.is(await wait.catch((cause: unknown) => cause), reason);
  t.is(await cutoff.wait(late, begin).catch((cause: unknown) => cause), reason);
  t.is(made.releases, 1);
  cutoff.close();
});

test('closing leaves no listener', (t) => {
  const { signal } = new AbortController();
  new Cutoff(60_000, signal).close();
  t.is(getEventListeners(signal, 'abort').length, 0);
});
