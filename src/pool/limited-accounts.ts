import type { CatalogueView } from '../memory/catalogue.ts';
import { Term } from '../memory/terms-table.ts';
import { digestWord } from './digest.ts';
import { accountIdentityOf } from './minting.ts';
import { Template } from './template.ts';
import type { AccountLimits, TemplateSpec } from './template-spec.ts';

/** An account with a vendor that may not do as much as it likes. */
export interface LimitedAccount {
  /** Tells it from all others, whatever pools its exits are of; nothing secret. */
  readonly key: string;
  readonly limits: AccountLimits;
}

const KEY_LENGTH = 16;
const KEY_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/** The vendors' accounts of one version of the catalogue whose limits are told. What an entry says of an account holds for all exits
 *  that are minted from it, and of several entries the least. */
export class LimitedAccounts {
  readonly #view: CatalogueView;
  /** By the label of the template. */
  readonly #byTemplate = new Map<number, LimitedAccount>();
  /** By the label of the pool: its accounts; null among them for exits that nothing limits. */
  readonly #byPool = new Map<number, Set<LimitedAccount | null>>();

  constructor(view: CatalogueView) {
    this.#view = view;
    const { terms, lists, labels } = view;
    const templates = new Set<number>();
    for (let number = 0; number < terms.count; number += 1) {
      const text = terms.word(number, Term.template);
      if (text !== 0 && lists.exitsOf(number) > 0) templates.add(text);
    }
    const specs = [...templates].map((text) => ({ text, spec: JSON.parse(labels.text(text)) as TemplateSpec }));
    if (!specs.some(({ spec }) => isLimited(spec.limits))) return;
    const accounts = new Map<string, LimitedAccount>();
    const keys = specs.map(({ text, spec }) => ({ text, key: keyOf(spec), limits: spec.limits }));
    for (const { key, limits } of keys) {
      const known = accounts.get(key)?.limits ?? limits;
      accounts.set(key, { key, limits: leastOf(known, limits) });
    }
    for (const { text, key } of keys) {
      const account = accounts.get(key);
      if (account !== undefined && isLimited(account.limits)) this.#byTemplate.set(text, account);
    }
    for (let number = 0; number < terms.count; number += 1) {
      if (lists.exitsOf(number) === 0) continue;
      const pool = terms.word(number, Term.pool);
      const found = this.#byPool.get(pool) ?? new Set();
      this.#byPool.set(pool, found.add(this.ofTerms(number)));
    }
  }

  /** Whether there are any. */
  get any(): boolean {
    return this.#byTemplate.size > 0;
  }

  /** The account of exits of these terms; null where it isn't limited, or they have none. */
  ofTerms(number: number): LimitedAccount | null {
    return this.#byTemplate.get(this.#view.terms.word(number, Term.template)) ?? null;
  }

  /** Those of a pool, with null among them where it has exits that nothing limits. */
  ofPool(name: string): ReadonlySet<LimitedAccount | null> {
    return this.#byPool.get(this.#view.labels.numberOf(name)) ?? new Set();
  }
}

const isLimited = ({ concurrency, perSecond }: AccountLimits): boolean => concurrency !== null || perSecond !== null;

function leastOf(one: AccountLimits, other: AccountLimits): AccountLimits {
  return {
    concurrency: lesser(one.concurrency, other.concurrency),
    perSecond: lesser(one.perSecond, other.perSecond),
  };
}

function lesser(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

function keyOf(spec: TemplateSpec): string {
  const template = Template.read(spec);
  const identity = template.ok ? accountIdentityOf(template.value) : [];
  return digestWord(['account', ...identity], KEY_CHARACTERS, KEY_LENGTH);
}
