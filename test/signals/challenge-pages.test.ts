import test from 'ava';
import { BlockRules } from '../../src/signals/block-rules.ts';
import { defaultRules } from '../../src/signals/challenge-pages.ts';
import { judged, type Sample } from './response-samples.ts';

const html = { 'Content-Type': 'text/html; charset=utf-8' };

/** For each default rule a response such as its guard sends, in our own words. */
const samples: Readonly<Record<string, Sample>> = {
  'cloudflare-challenge': { status: 403, fields: { ...html, 'CF-Mitigated': 'challenge', Server: 'cloudflare' } },
  'cloudflare-challenge-page': {
    status: 503,
    fields: html,
    body: '<title>Just a moment...</title><script src="/cdn-cgi/challenge-platform/h/b/orchestrate/x"></script>',
  },
  'cloudflare-refusal': { status: 403, fields: html, body: '<h1>Sorry, you have been blocked</h1><p>Ray ID: 1</p>' },
  datadome: { status: 403, fields: html, body: '<script src="https://ct.captcha-delivery.com/c.js"></script>' },
  'datadome-field': { status: 403, fields: { 'X-DD-B': '1' }, body: '{}' },
  perimeterx: { status: 403, fields: html, body: '<div id="px-captcha"></div>' },
  'akamai-refusal': {
    status: 403,
    fields: { ...html, Server: 'AkamaiGHost' },
    body: '<H1>Access Denied</H1>Reference&#32;&#35;18&#46;0 <P>https://errors.edgesuite.net/18.0</P>',
  },
  'akamai-challenge': { status: 428, fields: html, body: '<div id="sec-cpt-if"></div>' },
  imperva: {
    status: 200,
    fields: html,
    body: '<iframe src="/_Incapsula_Resource?CWUDNSAI=1&amp;incident_id=2"></iframe>',
  },
  'aws-waf': { status: 202, fields: { ...html, 'x-amzn-waf-action': 'challenge' } },
  'google-sorry': {
    status: 302,
    fields: { Location: 'https://www.google.com/sorry/index?continue=https://www.google.de/' },
  },
  'google-sorry-page': {
    status: 429,
    fields: html,
    body: 'Our systems have detected unusual traffic from your network.',
  },
  kasada: { status: 429, fields: { 'x-kpsdk-ct': '0abc' }, body: '' },
  'kasada-page': {
    status: 429,
    fields: html,
    body: '<script>window.KPSDK={};</script><script src="/1/2/ips.js?a=b"></script>',
  },
  'captcha-refusal': { status: 403, fields: html, body: '<div class="g-recaptcha" data-sitekey="x"></div>' },
  'captcha-page': { status: 200, fields: html, body: '<form><div class="h-captcha"></div></form>' },
  'status-429': { status: 429, body: 'slow down' },
  'status-403': { status: 403, body: 'no' },
  busy: { status: 503, fields: { 'Retry-After': '30' } },
};

test('every default rule has a sample, and every sample a rule', (t) => {
  t.deepEqual(
    Object.keys(samples),
    defaultRules.map(({ name }) => name),
  );
});

for (const rule of defaultRules) {
  test(`${rule.name} is known`, (t) => {
    const verdict = judged(new BlockRules(), samples[rule.name]!);
    t.like(verdict, { rule: rule.name, page: rule.verdict, weight: rule.weight });
  });
}

test('pages that speak of captchas and guards are pages', (t) => {
  const article = `<article>${'How _Incapsula_Resource?, g-recaptcha and px-captcha work. '.repeat(700)}</article>`;
  t.like(judged(new BlockRules(), { status: 200, fields: html, body: article }), { page: 'served', rule: null });
  const script = { status: 200, fields: { 'Content-Type': 'text/javascript' }, body: 'load("g-recaptcha")' };
  t.like(judged(new BlockRules(), script), { page: 'served', weight: 1 });
});
