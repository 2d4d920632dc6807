import type { ListScheme } from './listed-exit.ts';

export const listSchemes = ['http', 'https', 'socks4', 'socks4a', 'socks5', 'socks5h'] as const satisfies ListScheme[];

/** The scheme that a list names in whatever case; null where it is none. */
export function listSchemeOf(text: string): ListScheme | null {
  const word = text.toLowerCase();
  return listSchemes.find((scheme) => scheme === word) ?? null;
}
