import { isIP } from 'node:net';
import { failed, type Parsed } from '../../protocol/decoded.ts';
import { type Endpoint, parseEndpoint, parseExitUrl } from '../../protocol/endpoint.ts';
import { type ListScheme, listSchemeOf } from '../../protocol/list-format.ts';
import { placeKeys, readPlaces } from './exit-place.ts';
import type { Role } from './field-names.ts';
import { hostPort } from './host-port.ts';
import { hostPortAtUserPass } from './host-port-at-user-pass.ts';
import { hostPortUserPass } from './host-port-user-pass.ts';
import type { ReadingContext } from './line-form.ts';
import { type EntryReading, faulty, placeless, skipped } from './listed-exit.ts';
import { schemeHostPort } from './scheme-host-port.ts';
import { url } from './url.ts';
import { userPassAtHostPort } from './user-pass-at-host-port.ts';
import { userPassHostPort } from './user-pass-host-port.ts';

/** What a row or an object says, by what it stands for. Texts as they are written; empty is nothing. */
export type ExitRecord = { readonly [R in Role]?: string };

/** What tunnels are called that no exit can be. */
const foreignKinds: ReadonlySet<string> = new Set(
  'ss ssr shadowsocks vmess vless trojan hysteria hysteria2 tuic wireguard snell ssh anytls mieru juicity masque'.split(
    ' ',
  ),
);

const addressForms = [
  url,
  schemeHostPort,
  hostPort,
  hostPortUserPass,
  userPassAtHostPort,
  userPassHostPort,
  hostPortAtUserPass,
];

/** The exit that a record tells of. */
export function exitOfRecord(record: ExitRecord, context: ReadingContext): EntryReading {
  const { kind = '' } = record;
  if (foreignKinds.has(kind.toLowerCase())) return skipped(kind.toLowerCase());
  const scheme = schemeOf(record, context.scheme);
  if (scheme === null) return faulty('the protocol is none of http, https, socks4, socks4a, socks5, socks5h');
  if (record.tls === 'true' && scheme.startsWith('socks')) return skipped(`${scheme} over TLS`);
  const reading = addressOf(record, record.tls === 'true' ? 'https' : scheme, context);
  if (reading.kind === 'exit' && record.port !== undefined && reading.exit.endpoint.port !== Number(record.port)) {
    return faulty('the port in the address is another than the one beside it');
  }
  return reading.kind === 'exit' ? withPlace(withCredential(reading.exit.endpoint, record), record, context) : reading;
}

/** The first protocol that is named and known; that of the list where none is named, null where none is known. */
function schemeOf({ scheme = '', kind = '' }: ExitRecord, ofList: ListScheme): ListScheme | null {
  if (scheme === '') return listSchemeOf(kind) ?? ofList;
  const known = scheme.split(/[\s,;/|]+/).flatMap((word) => listSchemeOf(word) ?? []);
  return known[0] ?? null;
}

function addressOf({ host, whole, port }: ExitRecord, scheme: ListScheme, context: ReadingContext): EntryReading {
  const address = host ?? whole;
  if (address === undefined) return faulty('there is no host');
  if (port !== undefined && !/^[0-9]+$/.test(port)) return faulty('the port must be a number from 1 to 65535');
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  if (port !== undefined && isIP(bare) === 6) return readingOf(parseEndpoint(scheme, `[${bare}]:${port}`, null));
  if (port !== undefined && !address.includes(':')) return readingOf(parseEndpoint(scheme, `${address}:${port}`, null));
  return readWhole(address, port, { ...context, scheme });
}

/** An address that says more than a host. */
function readWhole(text: string, port: string | undefined, context: ReadingContext): EntryReading {
  if (port !== undefined && /^[a-z0-9+.-]+:\/\/(?:[^@]*@)?(?:\[[^\]]*\]|[^:/]+)\/?$/i.test(text)) {
    return readingOf(parseExitUrl(`${text.replace(/\/$/, '')}:${port}`));
  }
  const readings = addressForms.flatMap((form) => form.read(text, context) ?? []);
  const sound = readings.filter(({ kind }) => kind === 'exit');
  const [only, second] = sound;
  if (second !== undefined && !text.includes('://'))
    return faulty('the address fits several forms alike: give host, port, user and password apart');
  return only ?? readings[0] ?? faulty('the address is neither a URL nor host:port');
}

function readingOf(endpoint: Parsed<Endpoint>): EntryReading {
  return endpoint.ok ? placeless(endpoint.value) : faulty(endpoint.fault.detail);
}

/** A credential that stands apart goes before one in the address. */
function withCredential(endpoint: Endpoint, { username, password = '' }: ExitRecord): Parsed<Endpoint> {
  if (username === undefined && password !== '')
    return failed('bad_request', 'a password stands without its user name');
  if (username === undefined) return { ok: true, value: endpoint };
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return endpoint.scheme === 'direct'
    ? failed('bad_request', 'a way out without a proxy takes no credential')
    : parseEndpoint(endpoint.scheme, `${host}:${endpoint.port}`, { username, password });
}

function withPlace(endpoint: Parsed<Endpoint>, record: ExitRecord, { countries }: ReadingContext): EntryReading {
  if (!endpoint.ok) return faulty(endpoint.fault.detail);
  const written = placeKeys.flatMap((key) => {
    const text = key === 'country' ? (record.countryCode ?? record.country) : record[key];
    return text === undefined ? [] : [[key, text] as const];
  });
  const places = readPlaces(written, countries);
  if (!places.ok) return faulty(places.fault.detail);
  return { kind: 'exit', exit: { endpoint: endpoint.value, ...places.value } };
}
