import test from 'ava';
import { CommandError } from '../../src/admin/command-error.ts';
import { formatRule, parseRule } from '../../src/admin/rule-text.ts';

for (const [text, rule] of [
  ['cidr:10.0.0.0/8', { cidr: '10.0.0.0/8' }],
  ['cidr:2001:db8::/32', { cidr: '2001:db8::/32' }],
  ['host:example.com', { host: 'example.com' }],
  ['suffix:.example.com', { suffix: '.example.com' }],
  ['port:25', { port: { from: 25, to: 25 } }],
  ['port:8000-9000', { port: { from: 8000, to: 9000 } }],
  ['suffix:.example.com,port:443,pool:res', { suffix: '.example.com', port: { from: 443, to: 443 }, pool: 'res' }],
] as const) {
  test(`"${text}" is read, and written the same`, (t) => {
    t.deepEqual(parseRule(text, '--allow'), rule);
    t.is(formatRule(parseRule(text, '--allow')), text);
  });
}

for (const [text, part] of [
  ['', 'does not begin with'],
  ['10.0.0.0/8', 'does not begin with'],
  ['__proto__:x', 'does not begin with'],
  ['cidr:10.0.0.0/33', 'cannot be the cidr'],
  ['host:ex ample', 'cannot be the host'],
  ['suffix:.', 'cannot be the suffix'],
  ['port:0', 'cannot be the port'],
  ['port:9-8', 'cannot be the port'],
  ['port:1-2-3', 'cannot be the port'],
  ['port:25,port:26', 'stands twice'],
  ['pool:res', 'matches nothing'],
  ['host:a,', 'does not begin with'],
] as const) {
  test(`"${text}" is refused by name of its place`, (t) => {
    const error = t.throws(() => parseRule(text, '--deny'), { instanceOf: CommandError });
    t.is(error?.code, 'bad_argument');
    t.true(error?.message.startsWith('--deny: '));
    t.true(error?.message.includes(part), error?.message);
  });
}
