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

/** A time as people say it: `320 ms`, `4.2 s`, `7 min`, `3.1 h`, `12 d`. */
export function lastedOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.round(ms / 86_400_000)} d`;
}
