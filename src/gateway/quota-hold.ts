import type { Admission } from './exchange.ts';
import type { CountedQuota, QuotaPlan } from './quota-plans.ts';
import type { Spending } from './quota-spending.ts';

/** A tunnel that passes what it is granted. */
export interface MeteredTunnel {
  /** Others may have used up meanwhile what this one may still pass. */
  look(): void;
}

/** What an exchange counts against its client's quotas. */
export interface QuotaHold {
  /** With all the pools that it was admitted to. */
  readonly admission: Admission;
  readonly host: string;
  /** The quotas that its request was counted against. It is given back where no attempt ever began. */
  requests: readonly CountedQuota[];
  begun: boolean;
  /** What it comes under over the pool that was asked about last; see QuotaPlans. */
  plan: QuotaPlan | null;
  planPool: string;
  planRules: object | null;
  /** Attempts under way, and the one that serves: nearly always there is but one. */
  spending: Spending | null;
  rivals: readonly Spending[];
  /** Its place among those that are watched, and its tunnel. */
  place: number;
  tunnel: MeteredTunnel | null;
}

/** All of them. */
export const spendingsOf = ({ spending, rivals }: QuotaHold): readonly Spending[] =>
  spending === null ? rivals : [spending, ...rivals];
