import type { FetchFailure } from '../transport/http-fetch.ts';

/** The same of a source, with what it says of it in its own words, which may be others each time. */
export type FailedSource = FetchFailure & { readonly said?: string | null };

/** Why a source gave nothing. Shows nothing that could be a credential. */
export class SourceFailure extends Error {
  readonly failure: FailedSource;

  constructor(failure: FetchFailure | string, said: string | null = null) {
    const given = typeof failure === 'string' ? { message: failure, retryAfterMs: null } : failure;
    super(given.message);
    this.name = 'SourceFailure';
    this.failure = { ...given, kind: 'failed', said };
  }
}
