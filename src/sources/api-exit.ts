import { isIPv6 } from 'node:net';
import type { ApiCall } from '../pool/fetched-source.ts';
import { placeKeys } from '../pool/list-formats/exit-place.ts';
import { selectAll } from '../protocol/json-path.ts';
import { listSchemeOf } from '../protocol/list-format.ts';

const hostPattern = /^[A-Za-z0-9._:-]+$/;

/** An exit that an API tells, as lines of a list: a URL and fields between bars, or whatever lines the item is. Null where the item
 *  is no exit. */
export function linesOfItem({ exit, scheme }: Pick<ApiCall, 'exit' | 'scheme'>, item: unknown): string | null {
  const said = new Map<string, string>();
  for (const [part, path] of exit) {
    const [value] = selectAll(path, item);
    if (typeof value === 'string' || typeof value === 'number') said.set(part, String(value));
  }
  if (exit.some(([part]) => part === 'line')) return said.get('line') || null;
  const host =
    said
      .get('host')
      ?.trim()
      .replace(/^\[|\]$/g, '') ?? '';
  const port = said.get('port')?.trim() ?? '';
  const protocol = listSchemeOf(said.get('scheme')?.trim() || scheme);
  if (!hostPattern.test(host) || (host.includes(':') && !isIPv6(host)) || !/^[0-9]{1,5}$/.test(port)) return null;
  const username = said.get('username') ?? '';
  const password = said.get('password') ?? '';
  if (protocol === null || (username === '' && password !== '')) return null;
  const credential = username === '' ? '' : `${escaped(username)}:${escaped(password)}@`;
  const fields = placeKeys.flatMap((place) => {
    const text = said.get(place)?.trim() ?? '';
    return text === '' ? [] : [`|${place}=${escaped(text)}`];
  });
  return `${protocol}://${credential}${host.includes(':') ? `[${host}]` : host}:${port}${fields.join('')}`;
}

/** Half of a surrogate pair alone can't be escaped, nor dialled with. */
function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
