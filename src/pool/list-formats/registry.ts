import { hostPort } from './host-port.ts';
import { hostPortAtUserPass } from './host-port-at-user-pass.ts';
import { hostPortUserPass } from './host-port-user-pass.ts';
import type { LineForm } from './line-form.ts';
import { pac } from './pac.ts';
import { pipe } from './pipe.ts';
import { proxychains } from './proxychains.ts';
import { schemeHostPort } from './scheme-host-port.ts';
import { url } from './url.ts';
import { userPassAtHostPort } from './user-pass-at-host-port.ts';
import { userPassHostPort } from './user-pass-host-port.ts';

/** Every way to write an exit on a line; those first that claim what they find. */
export const lineForms: readonly LineForm[] = [
  pipe,
  url,
  schemeHostPort,
  pac,
  proxychains,
  hostPort,
  hostPortUserPass,
  userPassAtHostPort,
  userPassHostPort,
  hostPortAtUserPass,
];

/** Of each of these a list has one at most. */
export const rivalForms: readonly (readonly LineForm[])[] = [
  [hostPortUserPass, userPassHostPort],
  [userPassAtHostPort, hostPortAtUserPass],
];

/** Those that may leave out the credential where an exit takes none. */
const withCredential: ReadonlySet<LineForm> = new Set([
  hostPortUserPass,
  userPassHostPort,
  userPassAtHostPort,
  hostPortAtUserPass,
]);

/** The names of all formats, as `format:` and `--format` take them. */
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

/** The forms of an entry in a list of this format. */
export function formsOf(format: ListFormat): readonly LineForm[] {
  const named = lineForms.filter(({ name }) => name === format);
  if (named.length === 0) return lineForms;
  return named.some((form) => withCredential.has(form)) ? [...named, hostPort] : named;
}
