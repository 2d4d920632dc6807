import test from 'ava';
import { GatewayError } from '../src/errors.ts';

test('only a fault of our own tells where it was made, and nobody else loses that', (t) => {
  const limit = Error.stackTraceLimit;
  t.notRegex(new GatewayError('overloaded', { detail: 'too much' }).stack ?? '', /\n +at /);
  t.regex(new GatewayError('internal', { detail: 'a fault' }).stack ?? '', /\n +at .*errors\.test/);
  t.is(Error.stackTraceLimit, limit);
  t.regex(new Error('another').stack ?? '', /\n +at .*errors\.test/);
});
