import { type BlockRule, type WrittenRule, wholeRule } from './block-rule.ts';

/** A page in place of a page is short: longer ones that hold the same words are pages about something. In octets as sent. */
const SHORT = 32 * 1024;

const html = { name: 'content-type', contains: 'text/html' } as const;

type NamedRule = WrittenRule & Pick<BlockRule, 'name'>;

/** The pages that the well-known guards of sites put in place of what was asked for, as their makers document them or as anybody
 *  sees them. An operator's own rules come first, and the first that holds decides. */
const challengePages: readonly NamedRule[] = [
  // Cloudflare's documentation, "Detect a Challenge Page response": every challenge page carries the field.
  { name: 'cloudflare-challenge', field: { name: 'cf-mitigated', contains: 'challenge' }, verdict: 'challenge' },
  // What challenge pages without the field load their script from (same documentation, "challenge-platform").
  {
    name: 'cloudflare-challenge-page',
    status: [403, 429, 503],
    body: ['/cdn-cgi/challenge-platform/', 'cf_chl_opt', 'cf-browser-verification'],
    verdict: 'challenge',
  },
  // Cloudflare's documentation of 1xxx errors: 1006 to 1010 and 1020 refuse, 1015 limits the rate; all show these words.
  {
    name: 'cloudflare-refusal',
    status: [403, 429],
    body: [
      'sorry, you have been blocked',
      'error code: 1006',
      'error code: 1010',
      'error code: 1015',
      'error code: 1020',
    ],
    verdict: 'refused',
  },
  // DataDome: its interstitial and captcha come from this host; its documentation names the field on every answer of its own.
  { name: 'datadome', status: [401, 403, 405, 429], body: ['captcha-delivery.com'], verdict: 'challenge' },
  { name: 'datadome-field', status: [403, 429], field: { name: 'x-dd-b', contains: '' }, verdict: 'challenge' },
  // HUMAN (PerimeterX), documentation of its enforcers: the block page's element, and its JSON form ("advanced blocking response").
  {
    name: 'perimeterx',
    status: [403, 429],
    body: ['px-captcha', 'captcha.px-cdn.net', 'captcha.px-cloud.net', '"blockscript"'],
    verdict: 'challenge',
  },
  // Akamai: the edge's own refusal, with the reference that its support asks for; and the challenge of its bot manager.
  { name: 'akamai-refusal', status: [403], body: ['errors.edgesuite.net', 'reference&#32;&#35;'], verdict: 'refused' },
  { name: 'akamai-challenge', status: [428, 429], body: ['sec-cpt', 'sec_cpt'], verdict: 'challenge' },
  // Imperva (Incapsula): the interstitial's frame, with 200 as often as with 403; its support pages show the incident's words.
  {
    name: 'imperva',
    status: [200, 403],
    field: html,
    upTo: SHORT,
    body: ['_incapsula_resource?', 'incapsula incident id'],
    verdict: 'challenge',
  },
  // AWS WAF developer guide, "CAPTCHA and Challenge action behavior": 405 or 202 with this field.
  { name: 'aws-waf', status: [202, 405], field: { name: 'x-amzn-waf-action', contains: '' }, verdict: 'challenge' },
  // Google's page for unusual traffic: everything redirects to it, and it is itself a 429.
  { name: 'google-sorry', field: { name: 'location', contains: 'google.com/sorry/' }, verdict: 'challenge' },
  {
    name: 'google-sorry-page',
    status: [429, 503],
    body: ['google.com/sorry/', 'unusual traffic from'],
    verdict: 'challenge',
  },
  // Kasada: its first answer is a 429 that loads its script; the fields belong to its protocol.
  { name: 'kasada', status: [403, 429], field: { name: 'x-kpsdk-ct', contains: '' }, verdict: 'challenge' },
  { name: 'kasada-page', status: [403, 429], body: ['kpsdk', '/ips.js?'], verdict: 'challenge' },
  // Pages that are nothing but a reCAPTCHA, hCaptcha or Turnstile, by the elements that their documentation asks for. With 200 a
  // short page may as well be a form for people who log in: worth little.
  {
    name: 'captcha-refusal',
    status: [403, 429, 503],
    body: ['g-recaptcha', 'h-captcha', 'hcaptcha.com/1/api.js', 'cf-turnstile', 'recaptcha/api.js'],
    verdict: 'challenge',
  },
  {
    name: 'captcha-page',
    status: [200],
    field: html,
    upTo: 8 * 1024,
    body: ['g-recaptcha', 'h-captcha', 'cf-turnstile'],
    verdict: 'challenge',
    weight: 0.3,
  },
  // Whoever made the page: RFC 6585 §4 limits this client; RFC 9110 §15.5.4 may refuse everybody; a 503 that names a time
  // (§15.6.4) is as often a polite limit as a fault.
  { name: 'status-429', status: [429], verdict: 'refused', weight: 0.9 },
  { name: 'status-403', status: [403], verdict: 'refused', weight: 0.6 },
  { name: 'busy', status: [503], field: { name: 'retry-after', contains: '' }, verdict: 'refused', weight: 0.4 },
];

/** The rules that hold unless an operator's say otherwise. */
export const defaultRules: readonly BlockRule[] = Object.freeze(
  challengePages.map((rule) => wholeRule(rule, rule.name)),
);
