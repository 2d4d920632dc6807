/** Faults of our own that are told in full; the access log counts the others. */
const MOST_FAULTS = 100;

/** Tells each fault of our own once, with its stack. */
export class FaultTeller {
  readonly #say: (exchange: string, text: string) => void;
  readonly #told = new Set<string>();

  constructor(say: (exchange: string, text: string) => void) {
    this.#say = say;
  }

  /** `exchange` is the id of the exchange it happened in. */
  tell(exchange: string, fault: unknown): void {
    const text = textOf(fault);
    if (this.#told.has(text) || this.#told.size >= MOST_FAULTS) return;
    this.#told.add(text);
    this.#say(exchange, text);
  }
}

/** A fault as text for its finder. */
export function textOf(fault: unknown): string {
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
}
