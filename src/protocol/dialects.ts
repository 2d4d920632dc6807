import type { Credential } from './credentials.ts';
import { type Parsed, parsed } from './decoded.ts';
import { badParam, type ParamPair, type Params, paramsOf, shownToken } from './params.ts';
import { clientNameOf, isClientName, parseUsername, usernameFault } from './username.ts';

/** The vendors whose credentials are understood beside our own, so that a crawler moves over by changing its proxy's address. */
export const dialects = ['oxylabs', 'decodo', 'brightdata', 'apify', 'iproyal', 'scrapoxy'] as const;
export type Dialect = (typeof dialects)[number];

/** One way to understand a credential. */
export interface Candidate {
  /** The client it names; null where a dialect's form names none (apify): then it is the listener's own. */
  readonly client: string | null;
  readonly secret: string;
  /** The vendor whose form it has; null for our own. */
  readonly dialect: Dialect | null;
  /** What it asks for, judged only when called: after the secret was found right. Fault: bad_param. */
  readonly params: () => Parsed<Params>;
}

/** A candidate before it is said whose form it has. */
type Reading = Omit<Candidate, 'dialect'>;

/** One parameter of ours or more, for one of a vendor's. */
type Translation = (value: string) => readonly (readonly [key: string, value: string])[] | string;
type Vocabulary = ReadonlyMap<string, Translation>;

const as =
  (key: string): Translation =>
  (value) => [[key, value]];
/** A session that fails rather than moves. */
const strictSession: Translation = (value) => [
  ['session', value],
  ['strict', '1'],
];
const minutes: Translation = (value) => (/^[0-9]+$/.test(value) ? [['ttl', value]] : 'minutes');
/** `us_california`: the vendors' states are those of one country. */
const stateOfUs: Translation = (value) => (/^us_/i.test(value) ? [['state', value.slice(3)]] : 'us_ and a state');

const places = { city: as('city'), asn: as('asn') };

/** developers.oxylabs.io, residential proxies: location settings, session control. */
const oxylabs: Vocabulary = new Map(
  Object.entries({
    ...places,
    cc: as('country'),
    st: stateOfUs,
    postalcode: as('zip'),
    sessid: as('session'),
    sessid_oneip: strictSession,
    sesstime: minutes,
  }),
);

/** help.decodo.com, residential proxies: advanced parameters. */
const decodo: Vocabulary = new Map(
  Object.entries({
    ...places,
    country: as('country'),
    state: stateOfUs,
    zip: as('zip'),
    session: as('session'),
    session_iplock: strictSession,
    sessionduration: minutes,
  }),
);

/** docs.brightdata.com, proxy networks: config options. */
const brightdata: Vocabulary = new Map(
  Object.entries({
    ...places,
    zone: as('pool'),
    country: as('country'),
    state: as('state'),
    zip: as('zip'),
    carrier: as('isp'),
    session: as('session'),
    const: () => [['strict', '1']],
    dns: as('dns'),
  }),
);

/** docs.apify.com, proxy usage: username parameters. */
const apify: Vocabulary = new Map<string, Translation>([
  ['groups', (value) => (value.includes('+') ? 'one group' : [['pool', value]])],
  ['session', as('session')],
  [
    'country',
    (value) => {
      const [country = '', state] = value.split('_');
      return state === undefined
        ? [['country', country]]
        : [
            ['country', country],
            ['state', state],
          ];
    },
  ],
]);

/** docs.iproyal.com, residential: location, rotation. */
const iproyal: Vocabulary = new Map<string, Translation>([
  ['country', (value) => [['country', value.replaceAll(',', '.')]]],
  ['region', as('region')],
  ['state', as('state')],
  ['city', as('city')],
  ['isp', as('isp')],
  ['session', as('session')],
  ['lifetime', lifetime],
  ['killswitch', as('strict')],
]);

/** All ways to understand `credential` by its form alone, our own first. The caller takes the first whose secret is right, so
 *  how many there are tells nothing about which clients exist. `exitField` is the X-Scrapoxy-Proxyname field's value. */
export function identify(credential: Credential, spoken: readonly Dialect[], exitField?: string): Candidate[] {
  const foreign = spoken.flatMap((dialect) => {
    const candidate = translate(credential, dialect);
    return candidate === null ? [] : [{ ...candidate, dialect }];
  });
  const candidates = [canonical(credential), ...foreign];
  if (exitField === undefined || !spoken.includes('scrapoxy')) return candidates;
  return candidates.map((candidate) => ({ ...candidate, params: () => withExit(candidate.params(), exitField) }));
}

function canonical({ username, password }: Credential): Candidate {
  const params = () => {
    const read = parseUsername(username);
    return read.ok ? parsed(read.value.params) : read;
  };
  return { client: clientNameOf(username), secret: password, dialect: null, params };
}

/** `credential` as `dialect` means it; null where it has another form. */
function translate(credential: Credential, dialect: Dialect): Reading | null {
  switch (dialect) {
    case 'oxylabs':
      return prefixed(credential, /^customer-/i, oxylabs);
    case 'decodo':
      return prefixed(credential, /^user-/i, decodo);
    case 'brightdata':
      return prefixed(credential, /^(?:brd|lum)-customer-/i, brightdata);
    case 'apify':
      return listed(credential);
    case 'iproyal':
      return inPassword(credential);
    case 'scrapoxy':
      return null;
  }
}

/** `prefix-ACCOUNT[-key-value…]`. */
function prefixed({ username, password }: Credential, prefix: RegExp, words: Vocabulary): Reading | null {
  const rest = username.replace(prefix, '');
  if (rest === username) return null;
  const [client = '', ...tokens] = rest.split('-');
  const params = () => {
    const written: [string, string | undefined][] = [];
    for (let i = 0; i < tokens.length; i++) {
      const key = tokens[i] ?? '';
      // Bright Data's one flag without a value.
      written.push(key.toLowerCase() === 'const' ? [key, '1'] : [key, tokens[++i]]);
    }
    return usernameFault(username) ?? translated(written, words);
  };
  return { client, secret: password, params };
}

/** `auto`, or `groups-A,session-B,country-US_CA` in any order and choice. */
function listed({ username, password }: Credential): Reading | null {
  const parts = username.split(',');
  if (username !== 'auto' && !parts.every((part) => /^(?:groups|session|country)-/i.test(part))) return null;
  const written = username === 'auto' ? [] : parts.map((part) => splitAtDash(part));
  return { client: null, secret: password, params: () => usernameFault(username) ?? translated(written, apify) };
}

/** The password is `SECRET_key-value_key-value…`; no secret of ours holds a `_`. */
function inPassword({ username, password }: Credential): Reading | null {
  const [secret = '', ...parts] = password.split('_');
  if (parts.length === 0 || !isClientName(username)) return null;
  return { client: username, secret, params: () => translated(parts.map(splitAtDash), iproyal) };
}

function splitAtDash(part: string): [string, string | undefined] {
  const dash = part.indexOf('-');
  return dash < 0 ? [part, undefined] : [part.slice(0, dash), part.slice(dash + 1)];
}

function translated(written: readonly (readonly [string, string | undefined])[], words: Vocabulary): Parsed<Params> {
  const pairs: ParamPair[] = [];
  for (const [writtenKey, value] of written) {
    const translation = words.get(writtenKey.toLowerCase());
    if (translation === undefined) return badParam(`unknown parameter "${shownToken(writtenKey)}" of this dialect`);
    if (value === undefined) return badParam(`parameter "${shownToken(writtenKey)}" has no value`);
    const ours = translation(value);
    if (typeof ours === 'string') return badParam(`"${shownToken(writtenKey)}-${shownToken(value)}": expected ${ours}`);
    for (const [key, translatedValue] of ours) pairs.push({ key, value: translatedValue, writtenKey });
  }
  const params = paramsOf(pairs);
  if (!params.ok || params.value.session !== undefined) return params;
  // Of vendors' users many send these for each request, and they mean nothing without a session there.
  const { ttlMs: _, idleMs: __, strict: ___, ...rest } = params.value;
  return parsed(rest);
}

/** iproyal's unit may be a day as well, and is never left out. */
function lifetime(value: string): readonly (readonly [string, string])[] | string {
  const [, count, unit] = /^([0-9]{1,6})([smhd])$/i.exec(value) ?? [];
  if (count === undefined || unit === undefined) return 'a duration such as 30s, 10m, 24h or 7d';
  return [['ttl', unit.toLowerCase() === 'd' ? `${Number(count) * 24}h` : value]];
}

function withExit(params: Parsed<Params>, exitField: string): Parsed<Params> {
  if (!params.ok) return params;
  const field = paramsOf([{ key: 'exit', value: exitField, writtenKey: 'X-Scrapoxy-Proxyname' }]);
  if (!field.ok) return field;
  const { exit } = params.value;
  if (exit !== undefined && exit !== exitField) return badParam('parameter "exit" and X-Scrapoxy-Proxyname differ');
  return parsed({ ...params.value, ...field.value });
}
