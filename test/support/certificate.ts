import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificatePair, ensureSelfSigned } from '../../src/listener/certificate.ts';

let made: Promise<CertificatePair> | undefined;

/** A certificate for localhost and the loopback addresses, signed by itself; `cert` is what a client trusts. One is made for a
 *  whole test file, because making one takes half a second. */
export function testCertificate(): Promise<CertificatePair> {
  made ??= issuedPair(Date.now());
  return made;
}

/** The same, issued at `nowMs` (Unix time), and good for 397 days from then on. */
export async function issuedPair(nowMs: number): Promise<CertificatePair> {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-test-'));
  try {
    const { cert, key } = await ensureSelfSigned(folder, ['origin.test', 'exit.test'], nowMs);
    return { cert, key };
  } finally {
    await rm(folder, { recursive: true });
  }
}
