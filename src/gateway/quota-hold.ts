import type { Bounds } from './bounds.ts';
import type { Admission } from './exchange.ts';
import type { CountedQuota } from './quota-plans.ts';
import type { Spending } from './quota-spending.ts';

/** What an exchange counts against its client's quotas. */
export interface QuotaHold {
  /** With all the pools that it was admitted to. */
  readonly admission: Admission;
  readonly bounds: Bounds;
  /** The quotas that its request was counted against. It is given back where no attempt ever began. */
  requests: readonly CountedQuota[];
  begun: boolean;
  /** Attempts under way, and the one that serves: nearly always there is but one. */
  spending: Spending | null;
  rivals: readonly Spending[];
}

const NONE: readonly never[] = Object.freeze([]);

/** Of an exchange that counts nothing yet. */
export const holdOf = (admission: Admission, bounds: Bounds): QuotaHold => ({
  admission,
  bounds,
  requests: NONE,
  begun: false,
  spending: null,
  rivals: NONE,
});

/** All of them. */
export const spendingsOf = ({ spending, rivals }: QuotaHold): readonly Spending[] =>
  spending === null ? rivals : [spending, ...rivals];
