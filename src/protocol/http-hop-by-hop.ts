/** Fields that end at each hop (RFC 9110 §7.6.1), those that are written anew from what was parsed, and names reserved by us. */
const dropped = byLength([
  'connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'content-length',
  'host',
  'expect',
  'trailer',
  'x-scrapoxy-proxyname',
]);

/** What else must not stand in a trailer section (RFC 9110 §6.5.1): a reader that merges it into the head would frame, route,
 *  authorise or decode by it. */
const neverTrailers: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'max-forwards',
  'range',
  'set-cookie',
  'www-authenticate',
]);

/** Whether a received field, by its lower-case name, is not passed on as it is: hop-by-hop fields, those in `nominated` (the
 *  lower-case members of Connection), everything `Proxy-` but the Proxy-Status of a response (RFC 9209), and `Roundabout-`,
 *  which only we may speak. Connection, Content-Length, Expect, Host, Trailer, Transfer-Encoding and Upgrade count as dropped:
 *  the serialiser writes its own. */
export function isDropped(key: string, nominated: readonly string[], role: 'request' | 'response'): boolean {
  if (dropped[key.length]?.includes(key) === true || nominated.includes(key) || key.startsWith('roundabout-'))
    return true;
  return key.startsWith('proxy-') && !(key === 'proxy-status' && role === 'response');
}

/** The names of each length: most names that are asked for have the length of none, and no hash of them is needed. */
function byLength(names: readonly string[]): readonly (readonly string[] | undefined)[] {
  const longest = Math.max(...names.map(({ length }) => length));
  return Array.from({ length: longest + 1 }, (_, length) => {
    const those = names.filter((name) => name.length === length);
    return those.length === 0 ? undefined : those;
  });
}

/** Whether a trailer field, by its lower-case name, is dangerous to pass on. */
export function isForbiddenTrailer(key: string, role: 'request' | 'response'): boolean {
  return neverTrailers.has(key) || isDropped(key, [], role);
}
