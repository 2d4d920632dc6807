import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { ClosedAddresses } from '../policy/closed-addresses.ts';
import type { PlacedSource } from '../pool/placed-source.ts';
import { plainAddress, readingsOf } from '../protocol/address-range.ts';
import type { CopyFacts } from '../store/list-copies.ts';
import { asStoreError, StoreError } from '../store/store-error.ts';
import { fetchFailure, httpFetch } from '../transport/http-fetch.ts';
import { apiLines } from './api-pages.ts';
import { commandOutput } from './command-output.ts';
import type { HostPace } from './host-pace.ts';
import { type FailedSource, SourceFailure } from './source-failure.ts';

/** A list may have so many octets. */
const MOST_BYTES = 256 * 1024 * 1024;

/** How often one host is asked for lists. */
const LIST_PACE = { perSecond: 10, concurrency: 2 };

/** What came of asking a source. */
export type SourceReply =
  | {
      readonly kind: 'content';
      /** SHA-256, in hex. */
      readonly digest: string;
      readonly etag: string | null;
      readonly lastModified: string | null;
      /** Items that were no exits, beside what the content shows. */
      readonly skipped: number;
    }
  | { readonly kind: 'unchanged' }
  | FailedSource;

export interface SourceFetchOptions {
  /** Where the content is to be written. */
  readonly draft: string;
  /** What is known of the copy that stands; null to ask as if there was none. */
  readonly known: CopyFacts | null;
  readonly pace: HostPace;
  /** Where commands run. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Asks a source, and writes what it says into the draft. Never rejects. */
export async function fetchSource({ entry }: PlacedSource, options: SourceFetchOptions): Promise<SourceReply> {
  const { from, timeoutMs } = entry.source;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
  const { draft, known, pace } = options;
  let skipped = 0;
  try {
    if (from.kind === 'command') {
      return { ...(await writeDraft(draft, commandOutput(from, { ...options, signal }))), skipped };
    }
    if (from.kind === 'api') {
      const onSkip = () => {
        skipped += 1;
      };
      const written = await writeDraft(draft, apiLines(from, { pace, isClosed, signal, onSkip }));
      return { ...written, skipped };
    }
    return await pace.run(new URL(from.url).host, LIST_PACE, async () => {
      const reply = await httpFetch({ url: from.url, headers: from.headers, known, isClosed, signal });
      if (reply.kind !== 'content') return reply;
      const { etag, lastModified } = reply;
      return { ...(await writeDraft(draft, reply.content)), etag, lastModified, skipped };
    });
  } catch (cause) {
    return cause instanceof SourceFailure ? cause.failure : fetchFailure(cause);
  }
}

/** Whoever answers for a list must not have us ask our own network. Only redirects that lead elsewhere come here. */
function isClosed(address: string): boolean {
  const plain = plainAddress(address);
  const closed = new ClosedAddresses();
  return plain === null || readingsOf(plain).some((reading) => closed.has(reading));
}

/** Writes the content, for its owner alone and synced. */
async function writeDraft(path: string, content: AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256');
  let size = 0;
  const file = await kept(open(path, 'w', 0o600));
  try {
    for await (const chunk of content) {
      size += chunk.length;
      if (size > MOST_BYTES) throw new SourceFailure(`it has more than ${MOST_BYTES / 2 ** 20} MiB`);
      hash.update(chunk);
      await kept(file.writeFile(chunk));
    }
    await kept(file.sync());
  } finally {
    await file.close();
  }
  return { kind: 'content' as const, digest: hash.digest('hex'), etag: null, lastModified: null };
}

/** Of a disk that is full it must not look as if the source was at fault. */
async function kept<Result>(writing: Promise<Result>): Promise<Result> {
  try {
    return await writing;
  } catch (cause) {
    const fault = asStoreError(cause);
    throw new SourceFailure(`its copy cannot be kept: ${fault instanceof StoreError ? fault.detail : cause}`);
  }
}
