import test from 'ava';
import { Fields } from '../../src/protocol/fields.ts';
import { retryAfterOf } from '../../src/protocol/retry-after.ts';

function fieldsOf(retryAfter: string, date?: string): Fields {
  const fields = new Fields();
  fields.append('Retry-After', retryAfter);
  if (date !== undefined) fields.append('Date', date);
  return fields;
}

test('seconds', (t) => {
  t.is(retryAfterOf(fieldsOf('120')), 120_000);
  t.is(retryAfterOf(fieldsOf('0')), 0);
  t.is(retryAfterOf(fieldsOf('9999999999')), 86_400_000, 'at most a day');
});

test('a date counts from the response’s own', (t) => {
  const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
  t.is(retryAfterOf(fieldsOf('Wed, 21 Oct 2015 07:29:30 GMT', date)), 90_000);
  t.is(retryAfterOf(fieldsOf('Wed, 21 Oct 2015 07:00:00 GMT', date)), 0, 'a past date');
  t.is(retryAfterOf(fieldsOf('Fri, 21 Oct 2016 07:29:30 GMT', date)), 86_400_000, 'at most a day');
});

test('what is neither says nothing', (t) => {
  t.is(retryAfterOf(new Fields()), null);
  t.is(retryAfterOf(fieldsOf('Wed, 21 Oct 2015 07:29:30 GMT')), null, 'nothing to count from');
  for (const text of ['', '-1', '1.5', '12345678901', '2015-10-21', 'soon', 'Wed, 99 Foo 2015 07:29:30 GMT'])
    t.is(retryAfterOf(fieldsOf(text, 'Wed, 21 Oct 2015 07:28:00 GMT')), null, text);
});
