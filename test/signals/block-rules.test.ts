import test from 'ava';
import { type WrittenRule, wholeRule } from '../../src/signals/block-rule.ts';
import { BlockRules } from '../../src/signals/block-rules.ts';
import { judged, seen } from './response-samples.ts';

const rulesOf = (...rules: WrittenRule[]) => new BlockRules(rules.map((rule, i) => wholeRule(rule, `own-${i}`)));

test('what is no refusal by any rule is told by its status', (t) => {
  const page = (status: number) => judged(new BlockRules(), { status }).page;
  t.deepEqual([200, 206, 301, 304, 401, 404, 410].map(page), Array(7).fill('served'));
  t.deepEqual([400, 405, 451, 500, 502, 503, 504].map(page), Array(7).fill('unknown'));
});

test('an operator’s rule comes before the default ones', (t) => {
  const rules = rulesOf({ site: 'shop.example', status: [403], verdict: 'served' });
  t.like(judged(rules, { status: 403, host: 'api.shop.example' }), { page: 'served', weight: 1, rule: 'own-0' });
  t.like(judged(rules, { status: 403, host: 'notshop.example' }), { page: 'refused', rule: 'status-403' });
});

test('all conditions of a rule must hold', (t) => {
  const rules = rulesOf({
    status: [200],
    field: { name: 'x-guard', contains: 'stop' },
    body: ['éteins', 'robot'],
    verdict: 'challenge',
  });
  const fields = { 'X-Guard': 'STOPPED' };
  t.is(judged(rules, { status: 200, fields, body: 'are you a ROBOT' }).page, 'challenge');
  t.is(judged(rules, { status: 200, fields, body: 'éteins' }).page, 'challenge');
  t.is(judged(rules, { status: 201, fields, body: 'robot' }).page, 'served');
  t.is(judged(rules, { status: 200, body: 'robot' }).page, 'served');
  t.is(judged(rules, { status: 200, fields, body: 'human' }).page, 'served');
});

test('a redirect is known by the host it leads to', (t) => {
  const rules = rulesOf({ redirect: 'captcha.example', verdict: 'challenge' });
  const page = (Location: string) => judged(rules, { status: 302, fields: { Location } }).page;
  t.is(page('https://captcha.example/x'), 'challenge');
  t.is(page('//EU.captcha.example:8443/x'), 'challenge');
  t.is(page('https://captcha.example.evil.example/'), 'served');
  t.is(page('/captcha.example'), 'served');
  t.is(page('http://['), 'served');
  t.is(judged(rules, { status: 302 }).page, 'served');
});

test('the content is asked for only where it decides', (t) => {
  const rules = rulesOf({ site: 'a.example', body: ['robot'], verdict: 'challenge' });
  t.deepEqual(rules.judgeHead(seen({ status: 500, host: 'a.example' })), { wantedBytes: 64 * 1024 });
  t.true('verdict' in rules.judgeHead(seen({ status: 500, host: 'b.example' })));
  t.true('verdict' in rules.judgeHead(seen({ status: 200, fields: { 'Content-Type': 'image/png' } })));
});

test('a long page is not held for a rule about short ones', (t) => {
  const rules = rulesOf({ body: ['robot'], upTo: 100, verdict: 'refused' });
  const response = { ...seen({ status: 500 }), size: null };
  t.deepEqual(rules.judgeHead(response), { wantedBytes: 101 });
  t.true('verdict' in rules.judgeHead({ ...response, size: 101 }));
  const text = Buffer.from('robot');
  t.is(rules.judge({ ...response, size: 100 }, text).page, 'refused');
  t.is(rules.judge({ ...response, size: Number.POSITIVE_INFINITY }, text).page, 'unknown');
});

test('content that can’t be read leaves the rules that need none', (t) => {
  t.like(new BlockRules().judge(seen({ status: 403 }), null), { page: 'refused', rule: 'status-403' });
});

test('a refusal tells how long to stay away', (t) => {
  t.is(judged(new BlockRules(), { status: 429, fields: { 'Retry-After': '7' } }).retryAfterMs, 7_000);
  t.is(judged(new BlockRules(), { status: 200, fields: { 'Retry-After': '7' } }).retryAfterMs, null);
});

test('a text is looked for as it stands, whatever it holds', (t) => {
  for (const text of ['a.c', '(x|y)*$', '\\d[1]', '/*{2}', 'prüfung?', '^', '-']) {
    const rules = rulesOf({ status: [500], body: [text], verdict: 'refused' });
    t.is(
      judged(rules, { status: 500, body: `<p>${text.replace(/[a-z]/g, (letter) => letter.toUpperCase())}</p>` }).page,
      'refused',
      text,
    );
    t.is(judged(rules, { status: 500, body: '<p>abc xyxy d1 // prufung</p>' }).page, 'unknown', text);
  }
});
