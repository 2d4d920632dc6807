import type { Resolver as DnsResolver, RecordWithTtl } from 'node:dns';

/** Addresses kept of one answer; an answer may carry thousands. */
const ADDRESS_LIMIT = 64;

/** Why a name has no address: there is none (`not_found`), the servers could not say (`failed`), or didn't in time (`timeout`). */
export class ResolveFailure extends Error {
  readonly code: 'not_found' | 'failed' | 'timeout';

  constructor(code: 'not_found' | 'failed' | 'timeout', cause?: unknown) {
    super(`name resolution: ${code}`, { cause });
    this.name = 'ResolveFailure';
    this.code = code;
  }
}

/** What the servers said of one name and family. */
export interface DnsAnswer {
  /** One to 64 addresses. */
  readonly addresses: readonly string[];
  /** The smallest of the records' times to live, in ms. */
  readonly ttlMs: number;
}

/** Asks for the A (4) or AAAA (6) records of `name`. Ends within `timeoutMs`, however the servers behave. Rejects with
 *  ResolveFailure. */
export function queryDns(
  dns: DnsResolver,
  name: string,
  query: { family: 4 | 6; timeoutMs: number },
): Promise<DnsAnswer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new ResolveFailure('timeout')), query.timeoutMs);
    const answered = (error: NodeJS.ErrnoException | null, records: RecordWithTtl[]): void => {
      clearTimeout(timer);
      if (error !== null) reject(failureOf(error));
      else if (records.length === 0) reject(new ResolveFailure('not_found'));
      else resolve(answerOf(records.slice(0, ADDRESS_LIMIT)));
    };
    try {
      if (query.family === 4) dns.resolve4(name, { ttl: true }, answered);
      else dns.resolve6(name, { ttl: true }, answered);
    } catch (error) {
      // A name that can't be put into a question.
      clearTimeout(timer);
      reject(new ResolveFailure('not_found', error));
    }
  });
}

const answerOf = (records: readonly RecordWithTtl[]): DnsAnswer => ({
  addresses: records.map((record) => record.address),
  ttlMs: 1000 * Math.min(...records.map((record) => record.ttl)),
});

function failureOf(error: NodeJS.ErrnoException): ResolveFailure {
  switch (error.code) {
    case 'ENOTFOUND':
    case 'ENODATA':
    case 'EBADNAME':
      return new ResolveFailure('not_found', error);
    case 'ETIMEOUT':
      return new ResolveFailure('timeout', error);
    default:
      return new ResolveFailure('failed', error);
  }
}
