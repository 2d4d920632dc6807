import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LeaseStore } from '../../src/keeping/lease-store.ts';
import { SessionDesk } from '../../src/keeping/session-desk.ts';
import { IdEpochs } from '../../src/memory/id-epochs.ts';
import { AtomicWords } from '../../src/memory/words.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { keyOf, makeLeases, termsOf } from '../memory/lease-words.ts';
import { temporaryFolder } from '../store/folder.ts';
import { poolOf, registryOf } from '../support/pools.ts';

const { registry } = registryOf(poolOf('p', [{ host: 'a' }, { host: 'b' }]));
const [first, second] = [...registry.candidates({ pools: ['p'] })] as [number, number];
const key = keyOf('cart');
/** No exit here goes by one. */
const noEpochs = new IdEpochs(new AtomicWords(new SharedArrayBuffer(0)), { offsetS: 0, onRenewed: () => {} });
const cart = { client: 'acme', session: 'cart42' };

/** One process on the folder, whose one session is on the first of two exits; nothing is written but what is asked for. */
function run(folder: string) {
  const leases = makeLeases({ notesChanges: true });
  const store = new LeaseStore({
    folder,
    leases,
    placeOf: (id) => {
      const slot = registry.slotOf(id);
      return slot === undefined ? null : { slot, generation: registry.generationOf(slot) };
    },
    moment: () => ({ wallTime: 0, systemMs: 0, boot: 'one' }),
    warn: () => {},
  });
  const desk = new SessionDesk({
    leases,
    registry,
    epochs: noEpochs,
    isOpen: () => true,
    keyOf: () => key,
    keep: () => store.keep(),
    now: () => 0,
    random: () => 0,
  });
  const begin = async (t: ExecutionContext) => {
    store.start();
    t.teardown(() => store.stop());
    const terms = { slot: first, generation: registry.generationOf(first), exit: registry.exitAt(first)!.id };
    leases.table.create(key, termsOf({ ...terms, ...cart }), 0);
    store.append();
    await store.save();
  };
  return { store, desk, begin, session: () => desk.list({}, 1).sessions[0] };
}

/** What a process finds that starts where another has been killed. */
function foundIn(folder: string) {
  const next = run(folder);
  next.store.restore();
  return next.session();
}

test('a session that was ended is gone whenever the process is killed behind the answer', async (t) => {
  const folder = temporaryFolder(t);
  const { desk, begin, session } = run(folder);
  await begin(t);
  t.like(foundIn(folder), cart);
  desk.end(session()!);
  t.is(foundIn(folder), undefined);
});

test('a session that was moved has its other exit then, too', async (t) => {
  const folder = temporaryFolder(t);
  const { desk, begin, session } = run(folder);
  await begin(t);
  const moved = desk.move(session()!);
  t.is(moved?.exit, registry.exitAt(second)!.id);
  t.like(foundIn(folder), { ...cart, exit: moved!.exit, moves: 1 });
});

test('what the disk does not keep is told', async (t) => {
  const folder = join(temporaryFolder(t), 'data');
  mkdirSync(folder);
  const { desk, begin, session } = run(folder);
  await begin(t);
  rmSync(folder, { recursive: true });
  t.throws(() => desk.end(session()!), { instanceOf: StoreError });
  t.is(session(), undefined, 'it has ended all the same');
  mkdirSync(folder);
});
