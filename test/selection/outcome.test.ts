import test from 'ava';
import { catalogue, type ErrorKind } from '../../src/errors.ts';
import { chargesExit, isAmbiguous } from '../../src/selection/outcome.ts';

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
