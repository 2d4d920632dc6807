import { failed, type Parsed } from '../protocol/decoded.ts';
import { type Endpoint, type ExitScheme, parseExitUrl } from '../protocol/endpoint.ts';

/** What a list's lines are taken for where they don't name a scheme themselves. */
export type ListScheme = Exclude<ExitScheme, 'direct'> | 'socks5h';

/** One exit of a list. */
export interface ListedEndpoint {
  readonly endpoint: Endpoint;
  /** Counted from 1. */
  readonly line: number;
}

/** What a list file holds. */
export interface ExitList {
  readonly endpoints: readonly ListedEndpoint[];
  /** Lines that are no exit. A message shows nothing of its line. */
  readonly faults: readonly { readonly line: number; readonly message: string }[];
  /** Lines that repeat an endpoint, credential included. */
  readonly duplicates: number;
}

const forms = 'expected a URL, host:port, host:port:user:password or user:password@host:port';

/** Reads a list of exits, one a line: a URL, `host:port`, `host:port:user:password` (the password may hold colons) or
 *  `user:password@host:port`, IPv6 in brackets. Only in URLs are credentials percent-encoded. Empty lines, and what follows `#`
 *  at the start of a line or behind a space, are skipped; a byte order mark and CRLF do no harm. Never throws. */
export function readExitList(text: string, scheme: ListScheme): ExitList {
  const endpoints = new Map<string, ListedEndpoint>();
  const faults: { line: number; message: string }[] = [];
  let duplicates = 0;
  for (const [index, raw] of text
    .toWellFormed()
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const entry = raw.replace(/(?:^|\s)#.*$/, '').trim();
    if (entry === '') continue;
    const line = index + 1;
    const read = readEntry(entry, scheme);
    if (!read.ok) {
      faults.push({ line, message: read.fault.detail });
      continue;
    }
    const key = JSON.stringify(read.value);
    if (endpoints.has(key)) duplicates += 1;
    else endpoints.set(key, { endpoint: read.value, line });
  }
  return { endpoints: [...endpoints.values()], faults, duplicates };
}

function readEntry(entry: string, scheme: ListScheme): Parsed<Endpoint> {
  if (/^direct$|^[a-z0-9+.-]+:\/\//i.test(entry)) return readUrl(entry);
  const at = entry.lastIndexOf('@');
  const address = entry.slice(at + 1);
  if (/^(?:\[[^\]]*\]|[^:]+):[0-9]+$/.test(address)) {
    return readUrl(`${scheme}://${encodeCredential(entry.slice(0, Math.max(at, 0)))}${address}`);
  }
  const [, host, port, credential] = /^(\[[^\]]*\]|[^:]+):([0-9]+):([^:]*:.*)$/.exec(entry) ?? [];
  if (host === undefined || credential === undefined) return failed('bad_request', forms);
  return readUrl(`${scheme}://${encodeCredential(credential)}${host}:${port}`);
}

function readUrl(url: string): Parsed<Endpoint> {
  const read = parseExitUrl(url);
  return read.ok && read.value.scheme === 'direct' ? failed('bad_request', forms) : read;
}

/** `user:password` as it stands in a URL before the host, its `@` included. */
function encodeCredential(credential: string): string {
  if (credential === '') return '';
  const colon = credential.indexOf(':');
  if (colon < 0) return `${encodeURIComponent(credential)}@`;
  return `${encodeURIComponent(credential.slice(0, colon))}:${encodeURIComponent(credential.slice(colon + 1))}@`;
}
