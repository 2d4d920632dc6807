import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Config, ListenerConfig } from './config.ts';
import type { ConfigFault, Path, Reading } from './fault.ts';
import { tryRead } from './read-text.ts';

/** What the check of listeners needs beside them. */
export interface ListenerCheck {
  readonly faultAt: (path: Path, message: string) => ConfigFault;
  readonly readText: (path: string) => string;
}

/** What is wrong with the listeners beyond the form of each: names and addresses that clash, protocols that are missing, and
 *  certificates that cannot be used. */
export function listenerFaults({ listeners, admin }: Config, { faultAt, readText }: ListenerCheck): ConfigFault[] {
  if (listeners.length === 0) return [faultAt(['listeners'], 'at least one listener is needed')];
  return listeners.flatMap((listener, index) => {
    const earlier = listeners.slice(0, index);
    const at = (key: string, message: string) => faultAt(['listeners', index, key], message);
    const faults: ConfigFault[] = [];
    if (earlier.some(({ name }) => name === listener.name)) faults.push(at('name', 'another listener has this name'));
    const other = earlier.find((one) => clash(one, listener));
    if (other !== undefined) faults.push(at('port', `listener "${other.name}" has this address`));
    else if (clash(admin, listener)) faults.push(at('port', 'the admin listener has this address'));
    faults.push(...protocolFaults(listener, at));
    const certificate = certificateFault(listener, readText);
    if (certificate !== null)
      faults.push(faultAt(['listeners', index, 'certificate', certificate.key], certificate.message));
    return faults;
  });
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Whether both cannot be bound: a wildcard takes its port of all addresses, and `::` that of IPv4 as well. */
export function clash(a: Address, b: Address): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return a.host === b.host || takesAll(a.host, b.host) || takesAll(b.host, a.host);
}

function takesAll(wildcard: string, host: string): boolean {
  return wildcard === '::' || (wildcard === '0.0.0.0' && isIP(host) !== 6);
}

function protocolFaults(listener: ListenerConfig, at: (key: string, message: string) => ConfigFault): ConfigFault[] {
  const { protocols, certificate } = listener;
  if (protocols.length === 0) return [at('protocols', 'at least one of http, https, socks5 is needed')];
  if (new Set(protocols).size < protocols.length) return [at('protocols', 'a protocol is named twice')];
  if (certificate === 'auto' || protocols.includes('https')) return [];
  return [at('certificate', 'only https needs a certificate, and this listener does not speak it')];
}

function certificateFault(
  { certificate }: ListenerConfig,
  readText: ListenerCheck['readText'],
): { readonly key: 'cert' | 'key'; readonly message: string } | null {
  if (certificate === 'auto') return null;
  const cert = readPem(certificate.cert, readText, (pem) => new X509Certificate(pem));
  if (!cert.ok) return { key: 'cert', message: cert.message };
  const key = readPem(certificate.key, readText, createPrivateKey);
  if (!key.ok) return { key: 'key', message: key.message };
  return cert.value.checkPrivateKey(key.value) ? null : { key: 'key', message: "this key is not the certificate's" };
}

function readPem<Value>(
  path: string,
  readText: ListenerCheck['readText'],
  parse: (pem: string) => Value,
): Reading<Value> {
  const pem = tryRead(path, readText);
  if (!pem.ok) return pem;
  try {
    return { ok: true, value: parse(pem.value) };
  } catch {
    return { ok: false, message: 'holds no PEM that can be used' };
  }
}
