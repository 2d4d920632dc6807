import type { FetchFailure } from '../transport/http-fetch.ts';

/** Why a source gave nothing. Shows nothing that could be a credential. */
export class SourceFailure extends Error {
  readonly failure: FetchFailure;

  constructor(failure: FetchFailure | string) {
    const given = typeof failure === 'string' ? { message: failure, retryAfterMs: null } : failure;
    super(given.message);
    this.name = 'SourceFailure';
    this.failure = { kind: 'failed', ...given };
  }
}
