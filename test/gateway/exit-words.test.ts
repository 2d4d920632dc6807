import test from 'ava';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import type { Choice, Exchange } from '../../src/gateway/exchange.ts';
import { mayLeave } from '../../src/gateway/exit-words.ts';

/** An exchange of a session, and what is known of its exit. */
function scene(known: { readonly confirmed: boolean; readonly workedAgoMs: number; readonly tooMany?: boolean }) {
  const deps = {
    now: () => 1_000_000,
    leases: { find: () => ({ confirmed: known.confirmed }) },
    exits: { workedAgoMs: () => known.workedAgoMs },
    told: { areTooMany: () => known.tooMany === true },
  };
  return [
    deps as unknown as Collaborators,
    { admission: { leaseKey: [1, 2, 3, 4] } } as unknown as Exchange,
    { slot: 1 } as Choice,
  ] as const;
}

test('a session stays for what may be the origin’s as long as its exit is believed, a minute from when it last worked', (t) => {
  t.true(mayLeave(...scene({ confirmed: false, workedAgoMs: 0 })), 'it was served nothing yet');
  t.false(mayLeave(...scene({ confirmed: true, workedAgoMs: 59_999 })));
  t.true(mayLeave(...scene({ confirmed: true, workedAgoMs: 60_000 })), 'an exit that has lost its way would keep it');
  t.true(mayLeave(...scene({ confirmed: true, workedAgoMs: 0, tooMany: true })), 'it has told too much since');
});
