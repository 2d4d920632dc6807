import test from 'ava';
import { Stopping } from '../../src/startup/stopping.ts';

/** A gateway to be stopped: what it does and says, and when its drain and its saving have ended. */
function gatewayToStop({ isStarted = true } = {}) {
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
  if (isStarted) stopping.started();
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

test('signals during a start hold for the drain that follows; a third waits for nothing', async (t) => {
  const { stopping, did, saved } = gatewayToStop({ isStarted: false });
  stopping.signal();
  stopping.signal();
  t.deepEqual(did, []);
  stopping.started();
  t.deepEqual(did, ['drain', 'exchanges under way are cut']);
  saved.resolve();
  t.is(await stopping.stopped, 1);
  const other = gatewayToStop({ isStarted: false });
  for (let i = 0; i < 3; i++) other.stopping.signal();
  t.deepEqual(other.did, ['kill']);
});

test('what could not be saved is told', async (t) => {
  const { stopping, did, saved } = gatewayToStop();
  stopping.signal();
  saved.reject(new Error('the disk is gone'));
  t.is(await stopping.stopped, 1);
  t.regex(did.at(-1) ?? '', /^not everything was saved: Error: the disk is gone/);
});
