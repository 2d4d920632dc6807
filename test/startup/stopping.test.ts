import test from 'ava';
import { Stopping } from '../../src/startup/stopping.ts';

/** A gateway to be stopped: what it does and says, and when its drain and its saving have ended. */
function gatewayToStop() {
  const did: string[] = [];
  const saved = Promise.withResolvers<void>();
  let drains = false;
  const stopping = new Stopping({
    stop: () => {
      drains = true;
      did.push('drain');
      return saved.promise;
    },
    hurry: () => drains,
    kill: () => did.push('kill'),
    warn: (line) => did.push(line),
  });
  return { stopping, did, saved, drained: () => (drains = false) };
}

test('a drain that nobody hurries ends with 0', async (t) => {
  const { stopping, did, saved } = gatewayToStop();
  stopping.signal();
  saved.resolve();
  t.is(await stopping.stopped, 0);
  t.deepEqual(did, ['drain']);
});

test('a second signal cuts, a third kills', async (t) => {
  const { stopping, did, saved } = gatewayToStop();
  for (let i = 0; i < 3; i++) stopping.signal();
  t.deepEqual(did, ['drain', 'exchanges under way are cut', 'kill']);
  saved.resolve();
  t.is(await stopping.stopped, 1);
});

test('a second signal behind the drain cuts nothing', async (t) => {
  const { stopping, did, saved, drained } = gatewayToStop();
  stopping.signal();
  drained();
  stopping.signal();
  t.deepEqual(did, ['drain', 'what is left is being saved']);
  saved.resolve();
  t.is(await stopping.stopped, 0);
});

test('what could not be saved is told', async (t) => {
  const { stopping, did, saved } = gatewayToStop();
  stopping.signal();
  saved.reject(new Error('the disk is gone'));
  t.is(await stopping.stopped, 1);
  t.regex(did.at(-1) ?? '', /^not everything was saved: Error: the disk is gone/);
});
