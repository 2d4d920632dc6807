import { isIP } from 'node:net';
import { parseEndpoint } from '../../protocol/endpoint.ts';
import type { ListScheme } from '../../protocol/list-format.ts';
import type { Countries } from './countries.ts';
import { type EntryReading, faulty, type ListedExit, placeless } from './listed-exit.ts';

/** What reading an entry needs to know beside its text. */
export interface ReadingContext {
  readonly scheme: ListScheme;
  readonly countries: Countries;
}

/** One way to write an exit on a line. */
export interface LineForm {
  /** As it is given to `format:` and `--format`. */
  readonly name: string;
  /** As it is shown to people. */
  readonly shape: string;
  /** What is meant so even where it fits other forms, too: whatever has the shape, or what is read without a fault. */
  readonly claims: 'shape' | 'exits' | 'nothing';
  /** Null for a text that is not in this form at all. Never throws. */
  read(entry: string, context: ReadingContext): EntryReading | null;
  /** The exit in this form; null where the form has no words for it. What is written may still not mean the exit: whoever writes
   *  reads it again. */
  write(exit: ListedExit): string | null;
}

/** Whether words are apart in it. */
export const hasSpace = (entry: string): boolean => entry.includes(' ') || entry.includes('\t');

/** `host:port`, IPv6 in brackets. */
export const hostAndPort = /^(?:\[[^\]]*\]|[^:[\]]+):[0-9]+$/;

/** A host that is digits alone would be an address by the letter (WHATWG URL §3.5), but is a port or a password by any sense. */
export const isBareNumber = (address: string): boolean => /^[0-9]+(?::|$)/.test(address);

/** The exit at `host:port`. */
export function readAddress(
  scheme: ListScheme,
  address: string,
  credential: { readonly username: string; readonly password: string } | null,
): EntryReading {
  const endpoint = parseEndpoint(scheme, address, credential);
  return endpoint.ok ? placeless(endpoint.value) : faulty(endpoint.fault.detail);
}

/** `host:port`, as it stands before or behind a credential. */
export function addressText({ endpoint: { host, port } }: ListedExit): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** `user:pass`; null where the exit takes no credential. */
export function credentialText({ endpoint: { username, password = '' } }: ListedExit): string | null {
  return username === undefined ? null : `${username}:${password}`;
}

/** A user name and a password as they stand in a line, with a colon between. */
export function credentialOf(text: string): { username: string; password: string } {
  const colon = text.indexOf(':');
  return colon < 0
    ? { username: text, password: '' }
    : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
