import test from 'ava';
import { catalogue, type ErrorKind } from '../../src/errors.ts';
import { chargesExit, isAmbiguous, providerVerdict } from '../../src/selection/outcome.ts';

const kinds = Object.keys(catalogue) as ErrorKind[];

test('an exit is charged for its own failures only', (t) => {
  const charged = kinds.filter((kind) => chargesExit(kind)).sort();
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
  t.deepEqual(
    kinds.filter((kind) => isAmbiguous({ kind })),
    ['exit_rejected'],
  );
});

test('by an answer that was passed on nothing is sure of a provider', (t) => {
  for (const kind of kinds) t.not(providerVerdict({ kind, receivedStatus: 407, isHearsay: true }), 'sure', kind);
  t.is(providerVerdict({ kind: 'exit_auth_failed', receivedStatus: 407 }), 'sure');
  t.is(providerVerdict({ kind: 'exit_timeout' }), 'unsure');
  t.is(providerVerdict({ kind: 'exit_timeout', isSilence: true }), 'nothing', 'one peer, or the origin');
});
