import { AddressSet } from '../protocol/address-range.ts';

/** IPv4 that isn't globally reachable (IANA IPv4 Special-Purpose Address Registry, RFC 6890), multicast and class E. */
const closedIpv4 = [
  '0.0.0.0/8', // this host (RFC 791); a socket takes 0.0.0.0 for loopback
  '10.0.0.0/8', // private (RFC 1918)
  '100.64.0.0/10', // carrier NAT (RFC 6598); some clouds keep metadata here
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // a cloud's host agent, on a public address
  '169.254.0.0/16', // link-local (RFC 3927); cloud metadata
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments (RFC 6890)
  '192.0.2.0/24', // documentation (RFC 5737)
  '192.88.99.0/24', // 6to4 relays (RFC 7526)
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks (RFC 2544)
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
];

/** All of IPv6 that is open: global unicast (RFC 4291 §2.4), and NAT64, which is judged by the IPv4 address it carries. So
 *  loopback, link-local, site-local, unique local, multicast, compatible, SIIT, local NAT64 and discard are closed unnamed. */
const openIpv6 = ['2000::/3', '64:ff9b::/96'];

/** What is closed inside of it (IANA IPv6 Special-Purpose Address Registry). */
const closedIpv6 = [
  '2001::/23', // protocol assignments: Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation (RFC 3849)
  '3fff::/20', // documentation (RFC 9637)
];

/** The addresses that no exchange reaches unless a rule opens them. */
export class ClosedAddresses {
  readonly #closed = new AddressSet([...closedIpv4, ...closedIpv6]);
  readonly #openIpv6 = new AddressSet(openIpv6);

  /** `address` is one reading of an address (readingsOf): one that carries another is closed if either is. */
  has(address: string): boolean {
    if (address.includes(':') && !this.#openIpv6.has(address)) return true;
    return this.#closed.has(address);
  }
}
