/** Something that a pool's exits are fetched from, as it is shown. */
export interface SourceView {
  readonly pool: string;
  /** Kind and host, without path and query: they may hold credentials. */
  readonly source: string;
  /** Whether there is a copy of what it said, which serves while it fails. */
  readonly hasCopy: boolean;
  /** Exits that its last good copy names; null where there is none, or nothing is known of it. */
  readonly exits: number | null;
  /** How long ago the source last said that this is what it has, in ms; null where it never did. */
  readonly ageMs: number | null;
  /** Why the last refresh gave nothing; null where it did. */
  readonly failure: string | null;
  /** When the first of the refreshes that failed since was, in ISO 8601; null where the last one did not. */
  readonly failingSince: string | null;
  /** Refreshes that failed, since it was first asked by this definition in this process. */
  readonly failures: number;
  /** When it is asked again, in ms from now. */
  readonly nextMs: number;
}
