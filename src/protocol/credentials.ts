import { Buffer, isUtf8 } from 'node:buffer';
import { failed, type Parsed, parsed } from './decoded.ts';

/** A user name and a password as text, neither judged nor decoded further. */
export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** What a client sent, and how else it may have been meant: some clients send their proxy URL's parts still percent-encoded. */
export interface ReceivedCredential extends Credential {
  /** Other readings, to be tried in order where the first one does not match. */
  readonly alternatives: readonly Credential[];
}

const fieldLimit = 4096;
const basicPattern = /^basic +([A-Za-z0-9+/]+)={0,2}$/i;
const controlPattern = /[\x00-\x1f\x7f]/;

const malformed = failed('auth_failed', 'the credential is not well-formed Basic');

/** Reads the value of Proxy-Authorization (RFC 7617 §2): base64 without junk, though its padding may be missing; split at the
 *  first colon. Faults: auth_required for another scheme, auth_failed for a value that is not well-formed. */
export function parseBasic(fieldValue: string): Parsed<ReceivedCredential> {
  if (!/^basic(?: |$)/i.test(fieldValue)) return failed('auth_required', 'only Basic credentials are understood');
  const base64 = fieldValue.length <= fieldLimit ? basicPattern.exec(fieldValue)?.[1] : undefined;
  if (base64 === undefined) return malformed;
  const octets = Buffer.from(base64, 'base64');
  // Bits that no octet holds would let one credential have many spellings.
  if (octets.toString('base64').replace(/=+$/, '') !== base64) return malformed;
  const text = credentialText(octets);
  const colon = text.indexOf(':');
  if (colon < 0) return malformed;
  return receivedCredential({ username: text.slice(0, colon), password: text.slice(colon + 1) });
}

/** A credential as received, with its other readings. Control characters are refused (RFC 7617 §2): no name that is looked up,
 *  logged or sent on can carry a line break or NUL. Fault: auth_failed. */
export function receivedCredential(credential: Credential): Parsed<ReceivedCredential> {
  if (hasControls(credential)) return failed('auth_failed', 'the credential contains control characters');
  const username = percentDecodedOnce(credential.username);
  const password = percentDecodedOnce(credential.password);
  if (username === null && password === null) return parsed({ ...credential, alternatives: [] });
  const decoded = { username: username ?? credential.username, password: password ?? credential.password };
  return parsed({ ...credential, alternatives: hasControls(decoded) ? [] : [decoded] });
}

/** The text of a credential's octets: UTF-8 where they are that, otherwise latin-1. */
export function credentialText(octets: Buffer): string {
  return octets.toString(isUtf8(octets) ? 'utf8' : 'latin1');
}

/** `text` percent-decoded as UTF-8, once; null where there is nothing to decode or it is not well-formed. */
export function percentDecodedOnce(text: string): string | null {
  if (!text.includes('%')) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The value of Proxy-Authorization that tells `credential` to an exit (RFC 7617 §2, UTF-8). The user name must have no colon. */
export function formatBasic(credential: Credential): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`, 'utf8').toString('base64')}`;
}

function hasControls(credential: Credential): boolean {
  return controlPattern.test(credential.username) || controlPattern.test(credential.password);
}
