import type { ExitView } from '../admin/exit-view.ts';

/** `ok`, `frozen`, `cooling for 3.2 s`, `2 failed in a row`. */
export function statusOf({ status, live }: ExitView): string {
  if (status === 'cooling' && live !== null) return `cooling for ${(live.ejectedForMs / 1000).toFixed(1)} s`;
  return status === 'failing' && live !== null ? `${live.failuresInRow} failed in a row` : status;
}

/** A share as `97 %`. */
export function percentOf(share: number | null): string | null {
  return share === null ? null : `${Math.round(100 * share)} %`;
}
