import type { ListFormat } from '../../protocol/list-format.ts';
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

/** How a list of a format may write an exit of which there is less to say: without a credential, or without a place. */
const shorter: ReadonlyMap<LineForm, LineForm> = new Map([
  [hostPortUserPass, hostPort],
  [userPassHostPort, hostPort],
  [userPassAtHostPort, hostPort],
  [hostPortAtUserPass, hostPort],
  [pipe, url],
]);

/** The forms of an entry in a list of this format. */
export function formsOf(format: ListFormat): readonly LineForm[] {
  const named = lineForms.find(({ name }) => name === format);
  if (named === undefined) return lineForms;
  const short = shorter.get(named);
  return short === undefined ? [named] : [named, short];
}
