import test from 'ava';
import { mintEndpoint, parseTemplate, slotSession } from '../../src/pool/template.ts';

const url = 'http://customer-acme-cc-{country}-sessid-{session}:pw@{country}.pr.example:7777';

function templateOf(text: string) {
  const read = parseTemplate(text);
  if (!read.ok) throw new Error(read.fault.detail);
  return read.value;
}

test('placeholders stand in user, password and host', (t) => {
  const template = templateOf(url);
  t.deepEqual(template.render({ country: 'US', session: 'abc' }), {
    scheme: 'http',
    host: 'us.pr.example',
    port: 7777,
    username: 'customer-acme-cc-US-sessid-abc',
    password: 'pw',
  });
  const vendor = templateOf('socks5h://acme:pw_country-{country}_session-{session}@pr.example:1');
  t.is(vendor.render({ country: 'de', session: 'x$&' }).password, 'pw_country-de_session-x$&');
});

test('what a template has is known', (t) => {
  t.like(templateOf(url), { hasCountry: true, hasSession: true });
  t.like(templateOf('http://u:p@h:1'), { hasCountry: false, hasSession: false });
});

for (const [text, fault] of [
  ['http://{state}:hunter2@h:1', '{state} is not yet supported'],
  ['http://u-{random:8}:hunter2@h:1', '{random} is not yet supported'],
  ['http://{sesion}:hunter2@h:1', /^only \{session\} and \{country\} may stand in braces/],
  ['http://{session}:{hunter2}@h:1', /^only \{session\} and \{country\} may/],
  ['http://{session}:hunter2@h:{port}', '{port} is not yet supported'],
  ['gopher://{session}:hunter2@h:1', /^the scheme of an exit is one of/],
  ['{session}:hunter2@h:1', /scheme:\/\/host:port/],
  [`socks5://${'u'.repeat(240)}{session}:hunter2@h:1`, /longer than 255 octets/],
] as const) {
  test(`fault: ${text.slice(0, 40)}`, (t) => {
    const read = parseTemplate(text);
    t.false(read.ok);
    if (read.ok) return;
    if (typeof fault === 'string') t.is(read.fault.detail, fault);
    else t.regex(read.fault.detail, fault);
    t.false(read.fault.detail.includes('hunter2'));
  });
}

test('a slot keeps its session id, and shares it with no other', (t) => {
  const ids = Array.from({ length: 1000 }, (_, slot) => slotSession(['pool', 'us'], slot));
  t.is(new Set(ids).size, 1000);
  t.true(ids.every((id) => /^[a-z2-7]{16}$/.test(id)));
  t.is(slotSession(['pool', 'us'], 7), ids[7]!);
  t.not(slotSession(['pool', 'de'], 7), ids[7]);
});

test('a mint gives each session an id of its own, always the same', (t) => {
  const mint = structuredClone({ pattern: templateOf(url).pattern, country: 'us', identity: ['pool', 'us'] });
  t.deepEqual(mintEndpoint(mint, 'cart42'), mintEndpoint(mint, 'cart42'));
  t.notDeepEqual(mintEndpoint(mint, 'cart42'), mintEndpoint(mint, 'cart43'));
  t.regex(mintEndpoint(mint, '\u0000: @').username ?? '', /^customer-acme-cc-us-sessid-[a-z2-7]{16}$/);
});
