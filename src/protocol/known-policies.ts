import { type LimitPolicy, PolicyList } from './rate-limit-fields.ts';

/** Texts that are remembered; beyond, they are forgotten and made anew. */
const MOST_KNOWN = 4_096;

/** Policies by what they say, and lists of them. Most clients come under the same limits: what is told to all stands once, and so in the
 *  processor's cache, where one of each client's own never is by the time that it is told. */
export class KnownPolicies {
  readonly #policies = new Map<string, LimitPolicy>();
  readonly #lists = new Map<string, PolicyList>();

  /** The one that says the same. */
  alike(policy: LimitPolicy): LimitPolicy {
    const known = this.#policies.get(policy.text);
    if (known !== undefined) return known;
    if (this.#policies.size >= MOST_KNOWN) this.#policies.clear();
    this.#policies.set(policy.text, policy);
    return policy;
  }

  /** The list of these. */
  listOf(policies: readonly LimitPolicy[]): PolicyList {
    const made = new PolicyList(policies);
    const known = this.#lists.get(made.text);
    if (known !== undefined) return known;
    if (this.#lists.size >= MOST_KNOWN) this.#lists.clear();
    this.#lists.set(made.text, made);
    return made;
  }
}
