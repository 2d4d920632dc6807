import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { extname, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { systemCode } from '../system-code.ts';
import type { CertificateOrder, CertificatePair } from './self-signed.ts';

export type { CertificatePair } from './self-signed.ts';

/** Where a listener's certificate (chain) and private key lie, both PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate on disk that cannot serve: unreadable, not PEM, or not belonging to its key. */
export class CertificateFault extends Error {
  readonly files: CertificateFiles;

  constructor(files: CertificateFiles, cause: unknown) {
    // The library's messages tell of its own sources; a code says what to look for.
    const why = cause instanceof Error && !('code' in cause) ? cause.message : systemCode(cause);
    super(`certificate ${files.cert} with key ${files.key} cannot be used (${why})`, { cause });
    this.name = 'CertificateFault';
    this.files = files;
  }
}

const dayMs = 86_400_000;
const validityMs = 397 * dayMs;
const renewalMs = 30 * dayMs;
/** Clocks of clients may be behind ours. */
const backdatingMs = dayMs;
const pollIntervalMs = 500;

/** Reads both files, and makes sure that a TLS server can start with them. Throws CertificateFault. */
export async function readCertificate(files: CertificateFiles): Promise<CertificatePair> {
  try {
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')]);
    createSecureContext({ cert, key });
    // An empty file, as one is for a moment while it is being written, would make a server without a certificate.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the key is of another');
    return { cert, key };
  } catch (cause) {
    throw new CertificateFault(files, cause);
  }
}

/** From when until when a certificate is good, in ms of Unix time. Of a chain it is the first that counts, the listener's own: the others
 *  are the authority's, and may hold one that no client needs any more. */
export function validityOf({ cert }: Pick<CertificatePair, 'cert'>): {
  readonly fromMs: number;
  readonly untilMs: number;
} {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  return { fromMs: validFromDate.getTime(), untilMs: validToDate.getTime() };
}

/** The self-signed certificate in `folder` (certificate.pem, key.pem with mode 0600), for `localhost`, the loopback addresses
 *  and `hosts` (names or addresses; unspecified addresses are passed over). It is issued anew when there is none, when it
 *  cannot be used, lacks a host, or ends within 30 days of `nowMs` (Unix time); a new one is good for 397 days. `certPath` is
 *  what clients trust: `curl --proxy-cacert`. Rejects with the system's error where the folder cannot be written. */
export async function ensureSelfSigned(
  folder: string,
  hosts: readonly string[],
  nowMs: number,
): Promise<CertificatePair & { readonly certPath: string }> {
  const files = { cert: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...hosts.filter((host) => !unspecified.has(host))])];
  const kept = await readCertificate(files).catch(() => null);
  if (kept !== null && serves(kept, names, nowMs)) return { ...kept, certPath: files.cert };
  const pair = await issueInThread({
    names: names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
    notBeforeMs: nowMs - backdatingMs,
    notAfterMs: nowMs + validityMs,
  });
  await mkdir(folder, { recursive: true });
  // The key first: a stop between the two leaves a pair that does not fit together, which the next start replaces.
  await writeWhole(files.key, pair.key, 0o600);
  await writeWhole(files.cert, pair.cert, 0o644);
  return { ...pair, certPath: files.cert };
}

const unspecified = new Set(['0.0.0.0', '::']);

function serves(pair: CertificatePair, names: readonly string[], nowMs: number): boolean {
  const certificate = new X509Certificate(pair.cert);
  if (!certificate.checkPrivateKey(createPrivateKey(pair.key))) return false;
  const { fromMs, untilMs } = validityOf(pair);
  if (fromMs > nowMs || untilMs < nowMs + renewalMs) return false;
  return names.every(
    (name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
  );
}

async function issueInThread(order: CertificateOrder): Promise<CertificatePair> {
  // The published files end in .js, those of a checkout in .ts.
  const maker = new URL(`./self-signed${extname(import.meta.url)}`, import.meta.url);
  const [pair] = await once(new Worker(maker, { workerData: order }), 'message');
  return pair;
}

/** Writes beside the file and renames, so that nobody reads half of it. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, 'w', mode);
  try {
    // An older draft keeps its own mode.
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

/** A certificate being watched. */
export interface CertificateWatch {
  /** Why the files couldn't take the place of the pair in use when they were read last; null where they could, or are that pair. */
  readonly fault: CertificateFault | null;
  /** Reads the files now (SIGHUP). Resolves when the callbacks have been called; never rejects. */
  reload(): Promise<void>;
  close(): void;
}

/** Watches the files of `current`, the pair in use. Within a second after they changed and then stood still for half of one
 *  (the two cannot be replaced at once), `onChange` gets the new pair; or `onFault` says why the old one stays. The watch
 *  keeps no process alive. */
export function watchCertificate(
  files: CertificateFiles,
  current: CertificatePair,
  callbacks: { onChange(pair: CertificatePair): void; onFault(fault: CertificateFault): void },
): CertificateWatch {
  let inUse = current;
  let fault: CertificateFault | null = null;
  let seen = '';
  let judged = '';
  let polling = false;
  let closed = false;

  const reload = async () => {
    const read = await readCertificate(files).catch((cause: CertificateFault) => cause);
    if (closed) return;
    fault = read instanceof CertificateFault ? read : null;
    if (read instanceof CertificateFault) return callbacks.onFault(read);
    if (read.cert === inUse.cert && read.key === inUse.key) return;
    inUse = read;
    callbacks.onChange(read);
  };

  const poll = async () => {
    if (polling) return;
    polling = true;
    const print = `${await fingerprint(files.cert)} ${await fingerprint(files.key)}`;
    const settled = print === seen && print !== judged;
    seen = print;
    if (settled) judged = print;
    if (settled) await reload();
    polling = false;
  };

  const timer = setInterval(poll, pollIntervalMs).unref();
  return {
    get fault() {
      return fault;
    },
    reload,
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}

/** What tells one state of a file from another; a link is followed, so that exchanging it counts as a change. */
async function fingerprint(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found === null ? 'missing' : `${found.ino}:${found.mtimeMs}:${found.size}`;
}
