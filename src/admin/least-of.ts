/** Keeps the `most` items of the least keys that were offered: a heap with the greatest of them on top, so that a million cost little
 *  more than a look at each. Of equals the one offered first is kept. */
export class LeastOf {
  readonly #most: number;
  /** Item, key, and when it was offered. */
  readonly #heap: { readonly item: number; readonly key: number; readonly turn: number }[] = [];
  #turn = 0;

  constructor(most: number) {
    this.#most = most;
  }

  offer(item: number, key: number): void {
    const entry = { item, key, turn: this.#turn++ };
    const heap = this.#heap;
    if (heap.length < this.#most) {
      heap.push(entry);
      this.#rise(heap.length - 1);
      return;
    }
    const [top] = heap;
    if (top === undefined || !isLess(entry, top)) return;
    heap[0] = entry;
    this.#sink();
  }

  /** The items kept, by their keys. */
  sorted(): number[] {
    return this.#heap.toSorted((a, b) => (isLess(a, b) ? -1 : 1)).map(({ item }) => item);
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfLess(parent, at)) return;
      at = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) return;
      const child = right !== undefined && isLess(left, right) ? 2 * at + 2 : 2 * at + 1;
      if (!this.#swapIfLess(at, child)) return;
      at = child;
    }
  }

  /** Swaps the two where the upper one is the less. */
  #swapIfLess(upper: number, lower: number): boolean {
    const heap = this.#heap;
    const [a, b] = [heap[upper], heap[lower]];
    if (a === undefined || b === undefined || !isLess(a, b)) return false;
    heap[upper] = b;
    heap[lower] = a;
    return true;
  }
}

const isLess = (a: { key: number; turn: number }, b: { key: number; turn: number }): boolean =>
  a.key < b.key || (a.key === b.key && a.turn < b.turn);
