/** Exit i has an address of its own, which Linux answers to like to all of 127.0.0.0/8: from there it listens and dials. */
export function addressOfExit(exit: number): string {
  return `127.${1 + (exit >> 16)}.${(exit >> 8) & 255}.${exit & 255}`;
}

/** The number of the exit with that address; -1 for another's. */
export function exitOfAddress(address: string): number {
  const [first, high = 0, middle = 0, low = 0] = address.replace('::ffff:', '').split('.').map(Number);
  return first === 127 && high > 0 ? (high - 1) * 65_536 + middle * 256 + low : -1;
}

/** The host name of a site. */
export function nameOfSite(site: number): string {
  return `www.shop${site}.test`;
}

/** The number of the site in a Host field; NaN where it names none. */
export function siteOfName(host: string): number {
  return Number(/^www\.shop(\d+)\.test(?::\d+)?$/.exec(host)?.[1] ?? Number.NaN);
}

/** What only a page that was truly served has in it: the gateway has no reason to look for it. */
export function pageMark(site: number): string {
  return `<meta name="served-by" content="shop${site}">`;
}

/** The name of a session as the user name carries it; each time it is given up it goes on under another. */
export function nameOfSession(session: number, turn: number): string {
  return `s${session}.${turn}`;
}
