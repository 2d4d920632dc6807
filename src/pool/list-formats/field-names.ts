import type { PlaceKey } from './exit-place.ts';

/** What a column of a table, or a key of an object, tells of an exit. `whole` is an address with or without more (a URL,
 *  `host:port:user:pass`); `countryCode` goes before `country`, which some sources use for the name; `kind` is a protocol only
 *  where it happens to be one. */
export type Role =
  | PlaceKey
  | 'host'
  | 'port'
  | 'whole'
  | 'username'
  | 'password'
  | 'scheme'
  | 'kind'
  | 'tls'
  | 'countryCode';

const names: Readonly<Record<Role, string>> = {
  host: 'host ip hostname ipaddress proxyaddress proxyhost proxyip hostip serverip addr',
  port: 'port proxyport serverport',
  whole: 'proxy url proxyurl server endpoint address uri entrypoint gateway connectionstring proxies',
  username: 'username user login proxyusername proxyuser proxylogin authuser authusername usr',
  password: 'password pass pwd passwd proxypassword proxypass authpassword authpass',
  scheme: 'protocol protocols scheme proxytype proxyprotocol',
  kind: 'type',
  tls: 'tls',
  countryCode: 'countrycode cc countryiso countryisocode isocode countryshort',
  country: 'country countryname countrylong',
  region: 'region continent',
  state: 'state province regionname stateprov subdivision',
  city: 'city cityname',
  zip: 'zip zipcode postalcode postcode postal',
  asn: 'asn asnumber as asnnumber autonomoussystem',
  isp: 'isp org organization organisation asnname provider carrier',
  name: 'name label remark',
};

const roles: ReadonlyMap<string, Role> = new Map(
  Object.entries(names).flatMap(([role, all]) => all.split(' ').map((name): [string, Role] => [name, role as Role])),
);

/** What a name stands for, in whatever spelling (`proxy_address`, `Proxy Address`); undefined for one that isn't known. */
export function roleOf(name: string): Role | undefined {
  return name.length > 40 ? undefined : roles.get(name.toLowerCase().replace(/[^a-z0-9]/g, ''));
}
