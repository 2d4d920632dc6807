/** A fault in a pool file, in a list that it names, or in a vendor file. `line` and `column` count from 1; `path` is empty for a list's line. */
export interface PoolFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
}
