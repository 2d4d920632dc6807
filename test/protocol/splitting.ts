import { Buffer } from 'node:buffer';
import type { ExecutionContext } from 'ava';
import type { Decoded } from '../../src/protocol/decoded.ts';
import { mutations } from './mutation.ts';

interface Decoder<T> {
  push(chunk: Buffer): Decoded<T>;
}

/** What a decoder made of all octets: its last answer, and the octets behind the value. */
interface Outcome<T> {
  readonly state: string;
  readonly value?: T;
  readonly kind?: string;
  readonly rest: string;
}

/** Feeds `pieces` one by one; pieces after the value count as its rest. */
export function decodePieces<T>(decoder: Decoder<T>, pieces: readonly Buffer[]): Outcome<T> {
  let answer: Decoded<T> = { state: 'more' };
  for (const [i, piece] of pieces.entries()) {
    answer = decoder.push(piece);
    if (answer.state === 'error') return { state: 'error', kind: answer.fault.kind, rest: '' };
    if (answer.state === 'value') {
      const rest = Buffer.concat([answer.rest, ...pieces.slice(i + 1)]);
      return { state: 'value', value: answer.value, rest: rest.toString('hex') };
    }
  }
  return { state: answer.state, rest: '' };
}

/** Asserts that `octets` mean the same whole, split in two at every place, and one by one; answers with what they mean. */
export function decodeEveryWay<T>(t: ExecutionContext, make: () => Decoder<T>, octets: Buffer): Outcome<T> {
  const whole = decodePieces(make(), [octets]);
  const meaning = JSON.stringify(whole);
  for (let at = 1; at < octets.length; at++) {
    const halves = decodePieces(make(), [octets.subarray(0, at), octets.subarray(at)]);
    if (JSON.stringify(halves) !== meaning) t.fail(`split at ${at}: ${octets.toString('hex')}`);
  }
  const single = decodePieces(
    make(),
    [...octets].map((octet) => Buffer.from([octet])),
  );
  if (JSON.stringify(single) !== meaning) t.fail(`one by one: ${octets.toString('hex')}`);
  t.pass();
  return whole;
}

/** Asserts that 10,000 mutated inputs are answered without a throw, and alike whole and one by one. */
export function survivesMutation<T>(t: ExecutionContext, make: () => Decoder<T>, samples: readonly Buffer[]): void {
  for (const octets of mutations(samples, 10_000)) {
    const whole = JSON.stringify(decodePieces(make(), [octets]));
    const single = JSON.stringify(
      decodePieces(
        make(),
        [...octets].map((octet) => Buffer.from([octet])),
      ),
    );
    if (octets.length > 0 && whole !== single) t.fail(octets.toString('hex'));
  }
  t.pass();
}
