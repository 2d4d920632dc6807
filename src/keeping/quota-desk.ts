import { randomBytes } from 'node:crypto';
import type { QuotaAnswers } from '../admin/quota-commands.ts';
import { QuotaBooks, type QuotaClient } from '../gateway/quotas/quota-books.ts';
import { type QuotaView, quotaView } from '../gateway/quotas/quota-view.ts';
import { createLimitMemory } from '../policy/limit-counts.ts';
import { QuotaCounts } from '../policy/quota-counts.ts';
import type { QuotaRule } from '../protocol/quota-rule.ts';
import { QuotaStore } from '../store/quota-store.ts';
import { QuotaKeeper } from './quota-keeper.ts';

export interface QuotaDeskOptions {
  readonly counts: QuotaCounts;
  readonly keeper: Pick<QuotaKeeper, 'reset'>;
  /** What holds for every client that has no rules of its own. */
  readonly everyone: () => readonly QuotaRule[];
}

/** Shows operators how quotas stand, and begins them anew where they say so. */
export class QuotaDesk implements QuotaAnswers {
  readonly #options: QuotaDeskOptions;
  readonly #books: QuotaBooks;

  constructor(options: QuotaDeskOptions) {
    this.#options = options;
    // Clients are given as they stand.
    const asGiven = { get: () => undefined };
    this.#books = new QuotaBooks({ everyone: options.everyone, directory: () => asGiven });
  }

  /** None where its rules can't be read: one such client hides no other. */
  viewsOf(client: QuotaClient): readonly QuotaView[] {
    const all = this.#books.readable(client)?.all ?? [];
    return all.map((quota) => quotaView(quota, this.#options.counts));
  }

  reset(client: QuotaClient, name: string | null): readonly QuotaView[] {
    const { counts, keeper } = this.#options;
    const meant = this.#books.of(client).all.filter((quota) => name === null || quota.name === name);
    keeper.reset(meant.map((quota) => counts.accountOf(quota)));
    return meant.map((quota) => quotaView(quota, counts));
  }
}

/** The same on the files of a gateway that doesn't run. Throws StoreError. */
export function openQuotaDesk(
  folder: string,
  { wallTime, everyone, warn }: Pick<QuotaDeskOptions, 'everyone'> & OfflineOptions,
): { readonly desk: QuotaDesk; close(): void } {
  const memory = createLimitMemory(0, randomBytes(32));
  const now = (): number => performance.now();
  // Nobody counts here but the keeper, and it reads what it brings back.
  const counts = new QuotaCounts(memory, { now, wallTime, met: () => {} });
  const keeper = new QuotaKeeper({ store: QuotaStore.open(folder, wallTime), counts, wallTime, warn });
  return { desk: new QuotaDesk({ counts, keeper, everyone }), close: () => keeper.close() };
}

interface OfflineOptions {
  readonly wallTime: () => number;
  readonly warn: (line: string) => void;
}
