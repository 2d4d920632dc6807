import { isIP } from 'node:net';
import type { GatewayError } from '../errors.ts';
import type { Cutoff } from './cutoff.ts';
import { type Blame, namesFailure, unreachable } from './dial-failure.ts';
import type { Resolver } from './resolver.ts';

/** What is asked of a host before anything is sent to it. */
export interface AddressQuestion {
  /** A name or an address, canonical as in Authority. */
  readonly host: string;
  /** 0, either, unless told. */
  readonly family?: 0 | 4 | 6;
  readonly blame: Blame;
  /** The verdict on one address: why it must not be reached, or null. */
  readonly judge?: (address: string) => GatewayError | null;
}

/** The addresses of a host that may be reached, at least one; at once where the host is one itself. Each is judged as it will be
 *  dialled, so a name that resolves elsewhere the next time changes nothing. Throws, or rejects with, the first verdict where all
 *  are forbidden, *_dns, or *_unreachable for an address of the other family. */
export function judgedAddresses(
  resolver: Resolver,
  question: AddressQuestion,
  cutoff: Cutoff,
): readonly string[] | Promise<readonly string[]> {
  const { host, family = 0 } = question;
  const literal = isIP(host);
  if (literal === 0) return resolved(resolver, question, cutoff).then((addresses) => judged(question, addresses));
  if (family !== 0 && literal !== family)
    throw unreachable(question.blame, `the ${question.blame} has no IPv${family} address`);
  return judged(question, [host]);
}

function judged({ judge }: AddressQuestion, addresses: readonly string[]): readonly string[] {
  if (judge === undefined) return addresses;
  const allowed: string[] = [];
  let forbidden: GatewayError | null = null;
  for (const address of addresses) {
    const verdict = judge(address);
    if (verdict === null) allowed.push(address);
    else forbidden ??= verdict;
  }
  if (allowed.length === 0 && forbidden !== null) throw forbidden;
  return allowed;
}

function resolved(resolver: Resolver, question: AddressQuestion, cutoff: Cutoff): Promise<readonly string[]> {
  return cutoff.wait(
    () => namesFailure(question.blame),
    (resolve, reject) => {
      resolver
        .resolve(question.host, question.family ?? 0)
        .then(resolve, (cause: unknown) => reject(namesFailure(question.blame, cause)));
      // The query itself ends within the resolver's own deadline; others may wait for it.
      return () => {};
    },
  );
}
