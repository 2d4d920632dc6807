/** Who is to blame where an exit refuses a tunnel without saying why: the exit, or the site it could not reach. One refusal proves
 *  nothing. It is charged to the exit if another exit then succeeds, or recently did, with the same authority; if two exits of
 *  different endpoints are refused alike it is charged to the site, that is, to no exit. */

interface Rejection {
  readonly slot: number;
  readonly endpoint: string;
  readonly at: number;
}

interface Success {
  readonly slot: number;
  at: number;
}

/** What is remembered of one authority: rejections that nobody was charged for yet, all of one endpoint, and the last successes
 *  of two different exits (one of them is always "another"). */
interface Memory {
  rejections: Rejection[];
  successes: Success[];
}

/** How long an observation counts as recent, in ms. */
const defaultWindowMs = 60_000;

/** Rejections kept per authority: an endpoint that carries thousands of exits must not fill the memory. */
const keptRejections = 8;

const keptSuccesses = 2;

const noSlots: readonly number[] = Object.freeze([]);

/** The memory of recent rejections and successes per authority; the least recently seen authorities go first. */
export class RejectionLedger {
  readonly #capacity: number;
  readonly #windowMs: number;
  readonly #authorities = new Map<string, Memory>();
  /** The most recently seen one, which stands last. */
  #latest: Memory | null = null;

  constructor(limits: { readonly capacity?: number; readonly windowMs?: number } = {}) {
    this.#capacity = limits.capacity ?? 10_000;
    this.#windowMs = limits.windowMs ?? defaultWindowMs;
  }

  /** Authorities remembered. */
  get size(): number {
    return this.#authorities.size;
  }

  /** The exit in `slot`, dialled at `endpoint`, refused a tunnel to `authority` for no stated reason; or, with `mayBeNew`, failed in a way
   *  that the origin may have brought about since others reached it. Returns the slots whose exits are to be charged with a failure now. */
  rejected(
    authority: string,
    { mayBeNew = false, ...by }: { readonly slot: number; readonly endpoint: string; readonly mayBeNew?: boolean },
    now: number,
  ): readonly number[] {
    const memory = this.#recall(authority, now);
    if (!mayBeNew && memory.successes.some((success) => success.slot !== by.slot)) return [by.slot];
    if (memory.rejections.some((rejection) => rejection.endpoint !== by.endpoint)) {
      memory.rejections = [];
      return noSlots;
    }
    const others = memory.rejections.filter((rejection) => rejection.slot !== by.slot);
    memory.rejections = [...others, { ...by, at: now }].slice(-keptRejections);
    return noSlots;
  }

  /** The exit in `slot` opened a tunnel to `authority`. Returns the slots whose exits are to be charged for having refused. */
  succeeded(authority: string, slot: number, now: number): readonly number[] {
    const memory = this.#recall(authority, now);
    noteSuccess(memory, slot, now);
    if (memory.rejections.length === 0) return noSlots;
    const guilty = memory.rejections.map((rejection) => rejection.slot).filter((rejecting) => rejecting !== slot);
    memory.rejections = [];
    return guilty;
  }

  /** Two exits told the same of `authority`: whoever reached it before says nothing any more. */
  agreed(authority: string): void {
    const memory = this.#authorities.get(authority);
    if (memory !== undefined) memory.successes = [];
  }

  /** When an exit in another slot (in any, where none is given) last opened a tunnel to `authority`; null where none lately did. */
  workedAt(authority: string, slot?: number): number | null {
    let latest: number | null = null;
    for (const success of this.#authorities.get(authority)?.successes ?? []) {
      if (success.slot !== slot) latest = Math.max(latest ?? 0, success.at);
    }
    return latest;
  }

  /** The authority's memory without what is no longer recent, as the most recently seen one. */
  #recall(authority: string, now: number): Memory {
    const memory = this.#authorities.get(authority) ?? { rejections: [], successes: [] };
    const since = now - this.#windowMs;
    memory.rejections = recentOf(memory.rejections, since);
    memory.successes = recentOf(memory.successes, since);
    if (memory === this.#latest) return memory;
    this.#latest = memory;
    this.#authorities.delete(authority);
    this.#authorities.set(authority, memory);
    if (this.#authorities.size > this.#capacity) this.#forgetOldest();
    return memory;
  }

  #forgetOldest(): void {
    for (const authority of this.#authorities.keys()) {
      this.#authorities.delete(authority);
      return;
    }
  }
}

/** What was seen later than `since`: mostly all of it, and then the same array. */
function recentOf<T extends { readonly at: number }>(seen: T[], since: number): T[] {
  for (const { at } of seen) if (at <= since) return seen.filter((each) => each.at > since);
  return seen;
}

/** The latest success stands last; most are of the exit that succeeded before. */
function noteSuccess(memory: Memory, slot: number, now: number): void {
  const last = memory.successes.at(-1);
  if (last?.slot === slot) {
    last.at = now;
    return;
  }
  const others = memory.successes.filter((success) => success.slot !== slot);
  memory.successes = [...others, { slot, at: now }].slice(-keptSuccesses);
}
