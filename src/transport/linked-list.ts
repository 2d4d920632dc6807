/** Where something stands in a list, or will again: made once, so that coming and going costs no garbage. */
export interface Place<T> {
  readonly of: T;
  before: Place<T> | null;
  behind: Place<T> | null;
  isTaken: boolean;
}

export function placeOf<T>(of: T): Place<T> {
  return { of, before: null, behind: null, isTaken: false };
}

/** Things in the order in which they came. They come and go in constant time, wherever they stand; an array would grow again and again
 *  as it empties and fills. */
export class LinkedList<T> {
  #first: Place<T> | null = null;
  #last: Place<T> | null = null;
  #size = 0;

  get first(): Place<T> | null {
    return this.#first;
  }

  get last(): Place<T> | null {
    return this.#last;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts what stands nowhere at the end. */
  push(place: Place<T>): void {
    place.before = this.#last;
    place.isTaken = true;
    if (this.#last === null) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
    this.#size++;
  }

  /** Takes one out; nothing happens where it is out already. */
  remove(place: Place<T>): void {
    if (!place.isTaken) return;
    const { before, behind } = place;
    if (before === null) this.#first = behind;
    else before.behind = behind;
    if (behind === null) this.#last = before;
    else behind.before = before;
    place.before = null;
    place.behind = null;
    place.isTaken = false;
    this.#size--;
  }
}
