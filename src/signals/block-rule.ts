import type { PageVerdict } from './verdict.ts';

/** One rule about responses. All conditions that are given must hold. Texts are plain and compared without regard to ASCII case:
 *  no pattern that a page could make expensive. */
export interface BlockRule {
  /** For the log. */
  readonly name: string;
  /** Hosts it is about: this name and all below it; null for all. */
  readonly site: string | null;
  /** Any of these; none for all. */
  readonly status: readonly number[];
  /** A field of this name has a value that contains the text; an empty text asks for the field alone. */
  readonly field: { readonly name: string; readonly contains: string } | null;
  /** The content, decoded, contains any of these within its first 64 KiB; none where it doesn't matter. */
  readonly body: readonly string[];
  /** The content is at most so long, in octets as sent; null for any length. */
  readonly upTo: number | null;
  /** Location leads to this host or one below it. */
  readonly redirect: string | null;
  readonly verdict: Exclude<PageVerdict, 'unknown'>;
  /** How far the verdict may be believed, 0 to 1. */
  readonly weight: number;
}

/** What an operator writes: what isn't given doesn't matter. */
export type WrittenRule = Pick<BlockRule, 'verdict'> & Partial<BlockRule>;

/** A whole rule from what was written, `name` for one that has none. An operator's word is worth all. */
export function wholeRule(rule: WrittenRule, name: string): BlockRule {
  return { name, site: null, status: [], field: null, body: [], upTo: null, redirect: null, weight: 1, ...rule };
}
