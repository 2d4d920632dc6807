import { createSecureContext, type SecureContext } from 'node:tls';
import {
  type CertificateFault,
  type CertificateFiles,
  type CertificatePair,
  ensureSelfSigned,
  readCertificate,
  watchCertificate,
} from './certificate.ts';

/** What a TLS listener shows of itself now. */
export interface TlsIdentity {
  /** The context for the next handshake. */
  context(): SecureContext;
  /** Reads the files again, now. */
  reload(): Promise<void>;
  close(): void;
}

export interface TlsIdentityOptions {
  /** Given files, or `auto`: self-signed, kept in `folder`, for `hosts`. */
  readonly certificate: CertificateFiles | 'auto';
  readonly folder: string;
  readonly hosts: readonly string[];
  /** Unix time in ms. */
  readonly wallTime: number;
  /** Told why changed files are not taken; the old pair stays. */
  readonly onFault: (fault: CertificateFault) => void;
}

/** Loads or makes the certificate and keeps it fresh: a pair of files that changes serves the next handshake within a second or
 *  two. Rejects with CertificateFault where the given files can't serve. */
export async function openTlsIdentity(options: TlsIdentityOptions): Promise<TlsIdentity> {
  const { certificate, folder, hosts, wallTime, onFault } = options;
  const made = certificate === 'auto' ? await ensureSelfSigned(folder, hosts, wallTime) : null;
  const files = certificate === 'auto' ? { cert: `${folder}/certificate.pem`, key: `${folder}/key.pem` } : certificate;
  const pair = made ?? (await readCertificate(files));
  let context = contextOf(pair);
  const watch = watchCertificate(files, pair, {
    onChange: (fresh) => {
      context = contextOf(fresh);
    },
    onFault,
  });
  return { context: () => context, reload: () => watch.reload(), close: () => watch.close() };
}

function contextOf({ cert, key }: CertificatePair): SecureContext {
  return createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
}
