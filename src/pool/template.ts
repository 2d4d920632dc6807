import { GatewayError } from '../errors.ts';
import { failed, type Parsed, parsed } from '../protocol/decoded.ts';
import { type Endpoint, parseExitUrl } from '../protocol/endpoint.ts';
import { digestName } from './digest.ts';
import type { Mint } from './exit.ts';

/** A vendor's endpoint with places for what makes one exit of it. */
export interface Template {
  readonly hasSession: boolean;
  readonly hasCountry: boolean;
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
  const { host, username, password } = probe.value;
  const fill = (part: string, values: { country: string; session: string }) =>
    part.replaceAll(stand.session, () => values.session).replaceAll(stand.country, () => values.country);
  return parsed({
    hasSession: text.includes('{session}'),
    hasCountry: text.includes('{country}'),
    render: (values) => ({
      ...probe.value,
      host: fill(host, { ...values, country: values.country.toLowerCase() }),
      ...(username === undefined ? {} : { username: fill(username, values) }),
      ...(password === undefined ? {} : { password: fill(password, values) }),
    }),
  });
}

/** A template at work for one pool and country. */
export interface Minting {
  /** What its exits' ids depend on, beside the number of the session. */
  readonly identity: readonly string[];
  /** The endpoint of session number `session`. */
  endpointOf(session: number): Endpoint;
  readonly mint: Mint;
}

/** Mints of a template that was read before. `country` is as the vendor wants it. */
export function mintingOf(pool: string, { text, country }: { text: string; country: string }): Minting {
  const read = parseTemplate(text);
  if (!read.ok) throw new GatewayError('internal', { detail: 'a template that was read once cannot be read again' });
  const template = read.value;
  const blank = template.render({ country: '', session: '' });
  const endpoint = [blank.scheme, blank.host, String(blank.port), blank.username ?? ''];
  const identity = [pool, ...endpoint, country.toLowerCase()];
  return {
    identity,
    endpointOf: (session) => template.render({ country, session: slotSession(identity, session) }),
    mint: mintOf(template, country, identity),
  };
}

/** The session id of one slot: the same at every start, for as long as the pool and the endpoint are the same. */
export function slotSession(identity: readonly string[], slot: number): string {
  return digestName(['slot', ...identity, String(slot)], SESSION_LENGTH);
}

/** Gives every gateway session a session id of its own. */
export function mintOf(template: Template, country: string, identity: readonly string[]): Mint {
  return (sessionKey) =>
    template.render({ country, session: digestName(['mint', ...identity, sessionKey], SESSION_LENGTH) });
}
