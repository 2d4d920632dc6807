import test from 'ava';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import type { Choice, Exchange } from '../../src/gateway/exchange.ts';
import { isKnownGood, leavesOnSilence, mayLeave } from '../../src/gateway/exit-words.ts';

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

test('one peer of many is known to work by its own session alone, an exit of its own by whoever used it', (t) => {
  const known = (peer: { mint?: object | null; isFormer?: boolean }, lease: object = {}) => {
    const deps = {
      leases: { find: () => ({ confirmed: true, mint: 7, restedMs: 59_999, ...lease }) },
      exits: { workedAgoMs: () => 0 },
      now: () => 0,
    };
    const { mint = {}, isFormer } = peer;
    const choice = { slot: 1, exit: { mint }, hold: { mint: 7 }, isFormer };
    const exchange = { admission: { leaseKey: [1, 2, 3, 4] } };
    return isKnownGood(deps as unknown as Collaborators, exchange as unknown as Exchange, choice as Choice, 0);
  };
  t.true(known({}));
  const stale = [{ restedMs: 60_000 }, { confirmed: false }, { mint: 8 }];
  for (const lease of stale) t.false(known({}, lease), 'that others work says nothing of it');
  for (const lease of stale) t.false(known({ mint: null, isFormer: true }, lease), 'nor what its slot goes by now');
  for (const lease of stale) t.true(known({ mint: null }, lease));
});

test('a session that has rested has all the time there is for a page through a tunnel, which it wouldn’t leave', (t) => {
  const leaves = (scheme: string, dns: 'local' | 'remote' = 'remote') => {
    const [deps, exchange] = scene({ confirmed: true, workedAgoMs: 0 });
    const choice = { slot: 1, exit: { mint: {}, dns: 'remote' }, hold: { mint: 7 }, endpoint: { scheme } };
    const admission = { ...exchange.admission, params: { dns } };
    return leavesOnSilence(deps, { ...exchange, admission } as unknown as Exchange, choice as unknown as Choice);
  };
  t.true(leaves('http'), 'half of it, because another may follow');
  t.false(leaves('socks5'));
  t.false(leaves('http', 'local'));
});
