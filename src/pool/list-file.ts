import { failed, type Parsed } from '../protocol/decoded.ts';
import { type Endpoint, type ExitScheme, parseExitUrl } from '../protocol/endpoint.ts';

/** What a list's lines are taken for where they don't name a scheme themselves. */
export type ListScheme = Exclude<ExitScheme, 'direct'> | 'socks5h';

/** Takes what a list holds, in its order. Lines are counted from 1. */
export interface ListSink {
  exit(endpoint: Endpoint, line: number): void;
  /** A line that is no exit. `message` shows nothing of it. */
  fault(line: number, message: string): void;
}

const forms = 'expected a URL, host:port, host:port:user:password or user:password@host:port';

/** Reads a list of exits, one a line: a URL, `host:port`, `host:port:user:password` (the password may hold colons) or
 *  `user:password@host:port`, IPv6 in brackets. Only in URLs are credentials percent-encoded. Empty lines, and what follows `#`
 *  at the start of a line or behind a space, are skipped; a byte order mark and CRLF do no harm. Never throws. */
export function readExitList(text: string, scheme: ListScheme, sink: ListSink): void {
  let number = 0;
  for (const line of linesOf(text.toWellFormed())) {
    number += 1;
    const entry = contentOf(line);
    if (entry === '') continue;
    const read = readEntry(entry, scheme);
    if (read.ok) sink.exit(read.value, number);
    else sink.fault(number, read.fault.detail);
  }
}

/** The lines of `text`, ended by LF, CR or CRLF, without a byte order mark. One at a time: a list may be long. */
function* linesOf(text: string): Generator<string> {
  let feed = -1;
  let carriage = -1;
  for (let start = text.startsWith('\uFEFF') ? 1 : 0; start <= text.length; ) {
    // Each is searched for anew only once it is passed, since it may be far away, or nowhere.
    if (feed < start) feed = positionOf('\n', text, start);
    if (carriage < start) carriage = positionOf('\r', text, start);
    const end = Math.min(feed, carriage);
    yield text.slice(start, end);
    start = end + (carriage + 1 === feed ? 2 : 1);
  }
}

/** Where `character` stands next; the end of the text where it doesn't. */
function positionOf(character: string, text: string, start: number): number {
  const position = text.indexOf(character, start);
  return position < 0 ? text.length : position;
}

function contentOf(line: string): string {
  return (line.includes('#') ? line.replace(/(?:^|\s)#.*$/, '') : line).trim();
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
