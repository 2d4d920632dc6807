/** How a list of exits may be written, as `format:` and `--format` say it. */
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
export type ListFormat = (typeof listFormats)[number];

/** What a list's entries may be taken for where they don't name a scheme themselves. */
export const listSchemes = ['http', 'https', 'socks4', 'socks4a', 'socks5', 'socks5h'] as const;
export type ListScheme = (typeof listSchemes)[number];

/** The scheme that a list names in whatever case; null where it is none. */
export function listSchemeOf(text: string): ListScheme | null {
  const word = text.toLowerCase();
  return listSchemes.find((scheme) => scheme === word) ?? null;
}
