import test from 'ava';
import { catalogue, type ErrorKind } from '../../src/errors.ts';
import { chargesExit, isAmbiguous, outcomeOf } from '../../src/selection/outcome.ts';

const kinds = Object.keys(catalogue) as ErrorKind[];

test('an exit is charged for its own failures only', (t) => {
  const charged = kinds.filter(chargesExit).sort();
  t.deepEqual(charged, [
    'exit_auth_failed',
    'exit_dns',
    'exit_failed',
    'exit_refused',
    'exit_timeout',
    'exit_tls',
    'exit_unreachable',
  ]);
});

test('a bare rejection alone is ambiguous', (t) => {
  t.deepEqual(kinds.filter(isAmbiguous), ['exit_rejected']);
});

test('every kind has its outcome by who is to blame', (t) => {
  for (const kind of kinds) {
    const expected = { client: 'client_left', gateway: null, exit: 'exit_failed', origin: 'origin_failed' };
    t.is(outcomeOf(kind), expected[catalogue[kind].by] as ReturnType<typeof outcomeOf>, kind);
  }
});
