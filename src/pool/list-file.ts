import { failed, type Parsed } from '../protocol/decoded.ts';
import { type Endpoint, type ExitScheme, parseEndpoint, parseExitUrl } from '../protocol/endpoint.ts';

/** What a list's lines are taken for where they don't name a scheme themselves. */
export type ListScheme = Exclude<ExitScheme, 'direct'> | 'socks5h';

/** Takes what a list holds, in its order. Lines are counted from 1. */
export interface ListSink {
  exit(endpoint: Endpoint, line: number): void;
  /** A line that is no exit. `message` shows nothing of it. */
  fault(line: number, message: string): void;
}

const forms = 'expected a URL, host:port, host:port:user:password or user:password@host:port';

/** A line has so many characters at most: of a file that is no list nothing longer is held. */
const LONGEST_LINE = 16_384;

/** Reads a list of exits, one a line: a URL, `host:port`, `host:port:user:password` (the password may hold colons) or
 *  `user:password@host:port`, IPv6 in brackets. Only in URLs are credentials percent-encoded. Empty lines, and what follows `#`
 *  at the start of a line or behind a space, are skipped; a byte order mark and CRLF do no harm. `chunks` are the text in parts
 *  of any length: what was read is not held. Throws nothing of its own. */
export function readExitList(chunks: Iterable<string>, scheme: ListScheme, sink: ListSink): void {
  let number = 0;
  forEachLine(chunks, (line) => {
    number += 1;
    const entry = contentOf(number === 1 && line.startsWith('\uFEFF') ? line.slice(1) : line);
    if (entry === '') return;
    const read = entry.length > LONGEST_LINE ? tooLong : readEntry(entry, scheme);
    if (read.ok) sink.exit(read.value, number);
    else sink.fault(number, read.fault.detail);
  });
}

const tooLong = failed('bad_request', 'the line is too long');

/** Hands each line, ended by LF, CR or CRLF, to `take`; of one that is too long only its beginning. */
function forEachLine(chunks: Iterable<string>, take: (line: string) => void): void {
  let rest = '';
  for (const chunk of chunks) {
    rest = takeEnded(rest + chunk, take);
    if (rest.length > 2 * LONGEST_LINE) rest = rest.slice(0, LONGEST_LINE + 1) + rest.slice(-1);
  }
  takeEnded(`${rest}\n`, take);
}

/** Takes the lines of `text` that have their ends in it, and returns what is left. */
function takeEnded(text: string, take: (line: string) => void): string {
  let feed = -1;
  let carriage = -1;
  for (let start = 0; ; ) {
    // Each is searched for anew only once it is passed, since it may be far away, or nowhere.
    if (feed < start) feed = positionOf('\n', text, start);
    if (carriage < start) carriage = positionOf('\r', text, start);
    const end = Math.min(feed, carriage);
    // Whether a CR at the very end is the whole end of a line shows in the next chunk.
    if (end === text.length || (end === carriage && end === text.length - 1)) return text.slice(start);
    take(text.slice(start, end));
    start = end + (carriage + 1 === feed ? 2 : 1);
  }
}

/** Where `character` stands next; the end of the text where it doesn't. */
function positionOf(character: string, text: string, start: number): number {
  const position = text.indexOf(character, start);
  return position < 0 ? text.length : position;
}

function contentOf(line: string): string {
  return (line.includes('#') ? line.replace(/(?:^|\s)#.*$/, '') : line).trim().toWellFormed();
}

function readEntry(entry: string, scheme: ListScheme): Parsed<Endpoint> {
  if (entry.includes('://') && /^[a-z0-9+.-]+:\/\//i.test(entry)) return readUrl(entry);
  const at = entry.lastIndexOf('@');
  const address = entry.slice(at + 1);
  if (/^(?:\[[^\]]*\]|[^:]+):[0-9]+$/.test(address)) {
    return parseEndpoint(scheme, address, at <= 0 ? null : credentialOf(entry.slice(0, at)));
  }
  const [, host, credential] = /^((?:\[[^\]]*\]|[^:]+):[0-9]+):([^:]*:.*)$/.exec(entry) ?? [];
  if (host === undefined || credential === undefined) return failed('bad_request', forms);
  return parseEndpoint(scheme, host, credentialOf(credential));
}

function readUrl(url: string): Parsed<Endpoint> {
  const read = parseExitUrl(url);
  return read.ok && read.value.scheme === 'direct' ? failed('bad_request', forms) : read;
}

/** A user name and a password as they stand in a line, with a colon between. */
function credentialOf(text: string): { username: string; password: string } {
  const colon = text.indexOf(':');
  return colon < 0
    ? { username: text, password: '' }
    : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
