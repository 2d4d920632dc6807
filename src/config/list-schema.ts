import * as t from './schema-terms.ts';

/** How a list may be written. */
export const listFormats = [
  'auto',
  'pipe',
  'url',
  'scheme-host-port',
  'pac',
  'proxychains',
  'host-port',
  'host-port-user-pass',
  'user-pass-at-host-port',
  'user-pass-host-port',
  'host-port-at-user-pass',
  'csv',
  'tsv',
  'json',
  'playwright',
  'clash',
] as const;

export const listFormat = t.oneOf(listFormats, 'auto');

/** What entries of a list are taken for that name no scheme themselves. */
export const listScheme = t.oneOf(['http', 'https', 'socks4', 'socks4a', 'socks5', 'socks5h'], 'http');
