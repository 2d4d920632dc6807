import { failed, type Parsed, parsed } from '../protocol/decoded.ts';
import { type Endpoint, parseExitUrl } from '../protocol/endpoint.ts';
import { digestName, type Mint } from './exit.ts';

/** A vendor's endpoint with places for what makes one exit of it. */
export interface Template {
  readonly hasSession: boolean;
  readonly hasCountry: boolean;
  /** The endpoint with stand-ins for the placeholders. */
  readonly pattern: Endpoint;
  /** The endpoint of one exit. `country` is used as written. */
  render(values: { readonly country: string; readonly session: string }): Endpoint;
}

/** Stand in for the placeholders while the URL is parsed once: words that survive decoding and lower-casing, as long as what
 *  will stand there, so that limits of length are judged right. */
const stand = Object.freeze({ session: 'qxsessionsessnxq', country: 'qxcountryxq' });

const laterPlaceholders: ReadonlySet<string> = new Set(['state', 'city', 'ttl', 'asn', 'port', 'random']);

/** It doesn't show the word, which may be part of a password. */
const unknownPlaceholder = 'only {session} and {country} may stand in braces: write other braces as %7B and %7D';

/** What vendors take for a session id: letters and digits, 80 bits worth. */
const SESSION_LENGTH = 16;

/** Reads a template URL: `{session}` and `{country}` may stand in user, password and host. Fault (bad_request): another
 *  placeholder, or no URL of an exit. It never shows any part of the credential. */
export function parseTemplate(text: string): Parsed<Template> {
  for (const [, words = ''] of text.matchAll(/\{([^{}]*)\}/g)) {
    const name = words.split(':', 1).join();
    if (words === 'session' || words === 'country') continue;
    if (laterPlaceholders.has(name)) return failed('bad_request', `{${name}} is not yet supported`);
    return failed('bad_request', unknownPlaceholder);
  }
  const probe = parseExitUrl(text.replaceAll('{session}', stand.session).replaceAll('{country}', stand.country));
  if (!probe.ok) return probe;
  const pattern = probe.value;
  return parsed({
    hasSession: text.includes('{session}'),
    hasCountry: text.includes('{country}'),
    pattern,
    render: (values) => fillPattern(pattern, values),
  });
}

function fillPattern(pattern: Endpoint, values: { readonly country: string; readonly session: string }): Endpoint {
  const { host, username, password } = pattern;
  const fill = (part: string, { country, session } = values) =>
    part.replaceAll(stand.session, () => session).replaceAll(stand.country, () => country);
  return {
    ...pattern,
    host: fill(host, { ...values, country: values.country.toLowerCase() }),
    ...(username === undefined ? {} : { username: fill(username) }),
    ...(password === undefined ? {} : { password: fill(password) }),
  };
}

/** The session id of one slot: the same at every start, for as long as the pool and the endpoint are the same. */
export function slotSession(identity: readonly string[], slot: number): string {
  return digestName(['slot', ...identity, String(slot)], SESSION_LENGTH);
}

/** The endpoint of one gateway session: a fresh session id of the vendor, the same for the same `sessionKey`. The caller passes
 *  an unguessable key where the client named no session. Never throws. */
export function mintEndpoint({ pattern, country, identity }: Mint, sessionKey: string): Endpoint {
  return fillPattern(pattern, { country, session: digestName(['mint', ...identity, sessionKey], SESSION_LENGTH) });
}
