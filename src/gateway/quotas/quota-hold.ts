import type { GatewayError } from '../../errors.ts';
import type { Admission } from '../exchange.ts';
import type { Bounds } from '../limits/bounds.ts';
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
  /** Why a pool was left out when an attempt was to begin, of the first that was. */
  refusal: GatewayError | null;
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
  refusal: null,
});

/** All of them. */
export const spendingsOf = ({ spending, rivals }: QuotaHold): readonly Spending[] =>
  spending === null ? rivals : [spending, ...rivals];
