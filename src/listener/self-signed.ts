import { parentPort, workerData } from 'node:worker_threads';

/** What a certificate is asked for: host names and addresses, and its validity in ms of Unix time. */
export interface CertificateOrder {
  readonly names: readonly { readonly type: 'dns' | 'ip'; readonly value: string }[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A certificate (chain) and its private key, both PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** Imports the library, whose container looks for two functions of the Reflect metadata proposal and refuses to load without
 *  them. Nothing here is annotated, so that they have nothing to find; and they reach this thread's globals only. */
async function loadX509() {
  for (const name of ['getMetadata', 'getOwnMetadata']) {
    Object.defineProperty(Reflect, name, { configurable: true, value: () => undefined });
  }
  return import('@peculiar/x509');
}

/** A new P-256 key, and a leaf certificate that it signs itself: a client that trusts this one certificate trusts no other that
 *  its key could sign (RFC 5280 §4.2.1.9, §4.2.1.3). */
async function issue(order: CertificateOrder): Promise<CertificatePair> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Roundabout (self-signed)',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    notBefore: new Date(order.notBeforeMs),
    notAfter: new Date(order.notAfterMs),
    extensions: [
      new x509.SubjectAlternativeNameExtension([...order.names]),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      // All of ours have one name: these tell them apart where a client trusts several (RFC 5280 §4.2.1.1, §4.2.1.2).
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { cert: `${certificate.toString('pem')}\n`, key: `${key}\n` };
}

// The thread's whole work: certificate.ts starts it with an order, and reads one message.
if (parentPort !== null) {
  const order: CertificateOrder = workerData;
  parentPort.postMessage(await issue(order));
}
