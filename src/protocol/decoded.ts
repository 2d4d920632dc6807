import type { ErrorKind } from '../errors.ts';

/** What a decoder has to say about octets it refuses. `kind` is the catalogue's; `detail` is one sentence for people that
 *  quotes nothing of the input but names of tokens known to be safe. */
export interface Fault {
  readonly kind: ErrorKind;
  readonly detail: string;
  /** Where the kind's row has more than one status (not_supported, head_too_large). */
  readonly status?: number;
}

/** The answer of every incremental decoder: more octets are needed; a value, with the octets behind it; or a fault, after which
 *  the decoder must not be used again. Decoders never throw. */
export type Decoded<T> =
  | { readonly state: 'more' }
  | { readonly state: 'value'; readonly value: T; readonly rest: Buffer }
  | { readonly state: 'error'; readonly fault: Fault };

/** The answer of a whole-value parser. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

export const more = Object.freeze({ state: 'more' } as const);

export const decoded = <T>(value: T, rest: Buffer): Decoded<T> => ({ state: 'value', value, rest });

export const refused = (kind: ErrorKind, detail: string, status?: number) =>
  ({ state: 'error', fault: { kind, detail, status } }) as const;

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value });

export const failed = (kind: ErrorKind, detail: string, status?: number) =>
  ({ ok: false, fault: { kind, detail, status } }) as const;
