/** Something that a pool's exits are fetched from, as it is shown. */
export interface SourceView {
  /** Kind and host, without path and query: they may hold credentials. */
  readonly source: string;
  /** Exits that its last good copy names; null where there is none. */
  readonly exits: number | null;
  /** How long ago the source last said that this is what it has, in ms; null where it never did. */
  readonly ageMs: number | null;
  /** Why the last refresh gave nothing; null where it did. */
  readonly failure: string | null;
  /** When it is asked again, in ms from now. */
  readonly nextMs: number;
}
