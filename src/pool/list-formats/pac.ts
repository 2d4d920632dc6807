import type { ListScheme } from '../../protocol/list-format.ts';
import { addressText, credentialText, hasSpace, type LineForm, readAddress } from './line-form.ts';
import { skipped } from './listed-exit.ts';

/** What a browser takes each word for. `SOCKS` alone has always been version 4. */
const words: ReadonlyMap<string, ListScheme> = new Map<string, ListScheme>([
  ['PROXY', 'http'],
  ['HTTP', 'http'],
  ['HTTPS', 'https'],
  ['SOCKS', 'socks4'],
  ['SOCKS4', 'socks4'],
  ['SOCKS5', 'socks5'],
]);

/** One token of what a proxy auto-config script returns: `PROXY 192.0.2.1:8080`. */
export const pac: LineForm = {
  name: 'pac',
  shape: 'PROXY host:port; SOCKS5 host:port; DIRECT',
  claims: 'shape',
  read: (entry) => {
    if (entry === 'DIRECT') return skipped('direct');
    if (!hasSpace(entry)) return null;
    const [, word = '', address] = /^([A-Z45]{4,6})\s+(\S+:[0-9]+)$/i.exec(entry) ?? [];
    const scheme = words.get(word.toUpperCase());
    return scheme === undefined || address === undefined ? null : readAddress(scheme, address, null);
  },
  write: (exit) => {
    const word = ['PROXY', 'HTTPS', 'SOCKS4', 'SOCKS5'].find((one) => words.get(one) === exit.endpoint.scheme);
    return word === undefined || credentialText(exit) !== null ? null : `${word} ${addressText(exit)}`;
  },
};

const begins = /^(?:(?:PROXY|HTTPS?|SOCKS[45]?)\s+\S+:[0-9]+|DIRECT)\s*(?:;|$)/i;

/** The tokens of a line that is made of them; any other line as it is. */
export function pacTokens(line: string): readonly string[] {
  if (!line.includes(';') || !begins.test(line)) return [line];
  return line
    .split(';')
    .map((token) => token.trim())
    .filter((token) => token !== '');
}
