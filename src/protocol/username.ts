import { Buffer } from 'node:buffer';
import { type Parsed, parsed } from './decoded.ts';
import { badParam, isParamKey, type ParamPair, type Params, paramsOf, shownToken } from './params.ts';

export type { Params } from './params.ts';

/** A user name as understood: which client, and what it asks for. */
export interface Username {
  readonly client: string;
  readonly params: Params;
}

const clientPattern = /^[a-z0-9_.]{1,32}$/;
/** RFC 1929 §2: the greatest that SOCKS5 can carry. */
const usernameLimit = 255;

/** Whether `name` can be a client's: 1 to 32 of a-z, 0-9, `_` and `.`. */
export function isClientName(name: string): boolean {
  return clientPattern.test(name);
}

/** The text before the first `-`, by which a client is looked up before its parameters are judged. May be no client's name. */
export function clientNameOf(username: string): string {
  const dash = username.indexOf('-');
  return dash < 0 ? username : username.slice(0, dash);
}

/** Reads `client *( "-" key "-" value )`. Keys are case-insensitive. Fault: bad_param, naming the token. */
export function parseUsername(username: string): Parsed<Username> {
  const fault = usernameFault(username);
  if (fault !== null) return fault;
  const client = clientNameOf(username);
  if (!isClientName(client)) return badParam('a client name is 1 to 32 of a-z 0-9 _ .');
  const params = username === client ? parsed({}) : readTokens(username.slice(client.length + 1).split('-'));
  return params.ok ? parsed({ client, params: params.value }) : params;
}

/** Reads `key-value[-key-value…]`, as it stands behind a client's name or as a client's defaults; empty text is no parameter.
 *  Fault: bad_param, naming the token. */
export function parseParamText(text: string): Parsed<Params> {
  return text === '' ? parsed({}) : readTokens(text.split('-'));
}

/** The fault of a user name that is longer than the grammar allows, or null. */
export function usernameFault(username: string) {
  return Buffer.byteLength(username) <= usernameLimit ? null : badParam('the user name is longer than 255 octets');
}

/** Keys and values in strict alternation. */
function readTokens(tokens: readonly string[]): Parsed<Params> {
  const pairs: ParamPair[] = [];
  for (let i = 0; i < tokens.length; i += 2) {
    const key = (tokens[i] ?? '').toLowerCase();
    const value = tokens[i + 1];
    if (!isParamKey(key)) return unknownKey(key, pairs.at(-1));
    if (value === undefined) return badParam(`parameter "${key}" has no value`);
    pairs.push({ key, value });
  }
  return paramsOf(pairs);
}

/** A `-` inside a value shows only as a key that nobody knows, so that is when to speak of it. */
function unknownKey(key: string, before: ParamPair | undefined) {
  const name = key === '' ? 'empty parameter' : `unknown parameter "${shownToken(key)}"`;
  if (before === undefined) return badParam(name);
  const after = `${before.key}-${shownToken(before.value)}`;
  return badParam(`${name} after "${after}": a value cannot contain "-" (write a UUID without hyphens)`);
}
