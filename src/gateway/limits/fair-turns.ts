/** Those that wait, each under the name of its client: clients take turns, and those of one client go in the order they came. */
export class FairTurns<Waiter> {
  readonly #clients = new Map<string, Set<Waiter>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(client: string, waiter: Waiter): void {
    const waiters = this.#clients.get(client);
    if (waiters === undefined) this.#clients.set(client, new Set([waiter]));
    else waiters.add(waiter);
    this.#size++;
  }

  /** Takes one out that leaves before its turn; false where it isn't here. */
  remove(client: string, waiter: Waiter): boolean {
    const waiters = this.#clients.get(client);
    if (waiters?.delete(waiter) !== true) return false;
    this.#size--;
    if (waiters.size === 0) this.#clients.delete(client);
    return true;
  }

  /** How many would go before one more of this client's, if nobody else came. */
  before(client: string): number {
    const own = this.#clients.get(client)?.size ?? 0;
    let before = own;
    let turns = own + 1;
    for (const [other, { size }] of this.#clients) {
      // The others have their turn behind it, and so one less before its last one.
      if (other === client) turns = own;
      else before += Math.min(size, turns);
    }
    return before;
  }

  /** Takes out the one whose turn it is; undefined where nobody waits. */
  next(): Waiter | undefined {
    for (const [client, waiters] of this.#clients) {
      this.#clients.delete(client);
      for (const waiter of waiters) {
        waiters.delete(waiter);
        // Behind all others, whose turn comes first.
        if (waiters.size > 0) this.#clients.set(client, waiters);
        this.#size--;
        return waiter;
      }
    }
    return undefined;
  }
}
