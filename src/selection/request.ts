/** Nobody to choose from, or everybody excluded. */
export const NONE = -1;

/** Everybody is refused for now: ask again after `holdStep`. */
export const HOLD = -2;

/** The strategies a pool can name. */
export type Strategy = 'learned' | 'two-choices' | 'least-in-flight' | 'round-robin' | 'random';

/** Where round-robin stands: one per pool and filter, kept by the caller, advanced by a pick. */
export interface Cursor {
  next: number;
}

/** One exit that a pick looked at closely. */
export interface PickStep {
  readonly slot: number;
  /** What the strategy compared: lower is better. */
  readonly cost: number;
}

/** Slots to draw from. An array is one. */
export interface Slots {
  readonly length: number;
  /** The slot at `index`, 0 to length - 1. */
  at(index: number): number | undefined;
}

/** Who wants an exit, and from where. */
export interface PickRequest {
  readonly strategy: Strategy;
  /** Slots of the exits that pass the exchange's filter; where `loose`, among others that don't. */
  readonly list: Slots;
  /** Each exit drawn is checked by `matches`, and only a bounded number is looked at: NONE and HOLD may be wrong, and are to be
   *  asked again of a list that isn't loose. */
  readonly loose?: boolean | undefined;
  /** With `tier-auto`: the lists of other tiers, from each of which candidates are drawn too. */
  readonly others?: readonly Slots[] | undefined;
  /** Whether the exit in the slot passes the filter. */
  readonly matches: (slot: number) => boolean;
  /** Whether an exit that passes may be used now; absent where nothing forbids one. */
  readonly allows?: ((slot: number) => boolean) | undefined;
  /** Slots that the exchange has tried; few. */
  readonly excluded: readonly number[];
  readonly cursor: Cursor;
  /** Row of the site, -1 for none. */
  readonly site: number;
  /** Who asks, as 32 bits; absent or ANYBODY where that isn't known. */
  readonly client?: number | undefined;
  /** Number of the filter, ≥ 0: it has a ring of fast exits. */
  readonly ring: number;
  /** The session that will stay with the exit, and how long it lasts at most. */
  readonly session: null | { readonly endsInMs: number };
  /** When the exchange began. */
  readonly since: number;
  /** An attempt has failed already. */
  readonly retry: boolean;
  /** Where given, every exit that was compared is appended. */
  readonly trace?: PickStep[];
}

/** An exit as it was when an attempt took it; what is said of it later is dropped where another lives in its slot by then. */
export interface SlotRef {
  readonly slot: number;
  readonly generation: number;
}
