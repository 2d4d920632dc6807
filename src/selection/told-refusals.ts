/** How many refusals of origins that an exit tells without a success between take its word: dead origins come in rows as well, and one
 *  that isn't believed costs another attempt. */
const MOST_TOLD = 3;

/** What an exit told of an origin. */
interface Told {
  readonly authority: string;
  readonly page: string;
  readonly at: number;
}

/** A refusal that an exit tells. */
export interface Refusal {
  /** The exit's slot. */
  readonly slot: number;
  /** The origin that it tells of. */
  readonly authority: string;
  /** Of a failure that may be that of one page alone: which. */
  readonly page?: string;
  /** When another exit last reached that; null where none lately did. */
  readonly othersWorkedAt: number | null;
  /** When the exit last worked; -Infinity where it never did. */
  readonly workedAt: number;
  readonly at: number;
}

/** The refusals of origins that exits have told since they last worked, as one thread saw them. One that suddenly refuses everything,
 *  at once, has worked a moment ago, and is found out by what it tells: of ever other origins, or again and again of one that others
 *  have reached since. A dead origin counts once for each exit, however often it is asked for. */
export class ToldRefusals {
  readonly #capacity: number;
  /** By slot; those that told something last stand last. */
  readonly #bySlot = new Map<number, readonly Told[]>();
  /** When others had last reached what an exit refused, by slot: of those that told something. */
  readonly #disproved = new Map<number, number>();

  constructor({ capacity = 10_000 }: { readonly capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  /** Exits remembered. */
  get size(): number {
    return this.#bySlot.size;
  }

  note({ slot, authority, page = '', othersWorkedAt, workedAt, at }: Refusal): void {
    const since = this.#since(slot, workedAt);
    const known = since.findLast((told) => told.authority === authority && told.page === page);
    const isNew = known === undefined || (othersWorkedAt !== null && othersWorkedAt > known.at);
    if (!isNew || since.length >= MOST_TOLD) return;
    this.#bySlot.delete(slot);
    this.#bySlot.set(slot, [...since, { authority, page, at }]);
    if (this.#bySlot.size <= this.#capacity) return;
    for (const oldest of this.#bySlot.keys()) {
      this.#bySlot.delete(oldest);
      this.#disproved.delete(oldest);
      return;
    }
  }

  /** Others have reached an origin over which the exit failed: a word of its own was untrue where it told of that. */
  disproved(slot: number, authority: string, at: number): void {
    if (this.#bySlot.get(slot)?.some((told) => told.authority === authority) === true) this.#disproved.set(slot, at);
  }

  /** Whether the exit has told of too many, and others have reached one of them since it last worked. */
  isFoundOut(slot: number, workedAt: number): boolean {
    return this.areTooMany(slot, workedAt) && (this.#disproved.get(slot) ?? Number.NEGATIVE_INFINITY) > workedAt;
  }

  /** Whether the exit, that last worked at `workedAt`, has told of too many refusals since to be believed. */
  areTooMany(slot: number, workedAt: number): boolean {
    return this.#since(slot, workedAt).length >= MOST_TOLD;
  }

  #since(slot: number, workedAt: number): readonly Told[] {
    return this.#bySlot.get(slot)?.filter(({ at }) => at > workedAt) ?? [];
  }
}
