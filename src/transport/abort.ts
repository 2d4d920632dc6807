/** What a wait needs to know of whoever may call it off: the part of AbortSignal that is used here. */
export interface AbortView {
  readonly aborted: boolean;
  /** What the wait is to be rejected with. */
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Calls off the waits of one exchange. AbortController does the same at several times the cost, and an exchange makes one and
 *  listens to it three times over. */
export class Abort implements AbortView {
  #listeners: (() => void)[] | null = null;
  aborted = false;
  reason: unknown;

  /** The first reason counts. Listeners are called once. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners ?? [];
    this.#listeners = null;
    for (const listener of listeners) listener();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listeners === null) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const listeners = this.#listeners;
    if (listeners === null) return;
    const at = listeners.indexOf(listener);
    if (at >= 0 && listeners.length === 1) this.#listeners = null;
    else if (at >= 0) listeners.splice(at, 1);
  }
}
