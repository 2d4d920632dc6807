/** Plain counters of exchanges, for health: how many run, and how the others ended. */

import type { EndKind } from './access-record.ts';

/** A copy of the counters. */
export interface CounterSnapshot {
  /** Exchanges that began and have not ended. */
  readonly running: number;
  /** Exchanges that ended. */
  readonly ended: number;
  /** Attempts that ended; more than exchanges where failover was at work. */
  readonly attempts: number;
  /** Octets of content and tunnels in ended exchanges. */
  readonly clientToOrigin: number;
  readonly originToClient: number;
  /** Ended exchanges by kind; a kind that never occurred is absent. */
  readonly byKind: Readonly<Partial<Record<EndKind, number>>>;
}

/** What an ended exchange adds. */
export interface ExchangeEnd {
  readonly kind: EndKind;
  readonly attempts: { readonly length: number };
  readonly clientToOrigin: number;
  readonly originToClient: number;
}

export class Counters {
  readonly #byKind = new Map<EndKind, number>();
  #running = 0;
  #ended = 0;
  #attempts = 0;
  #clientToOrigin = 0;
  #originToClient = 0;

  /** An exchange begins. */
  begin(): void {
    this.#running++;
  }

  /** An exchange that began ends; an AccessRecord says all that is needed. */
  end({ kind, attempts, clientToOrigin, originToClient }: ExchangeEnd): void {
    this.#running--;
    this.#ended++;
    this.#attempts += attempts.length;
    this.#clientToOrigin += clientToOrigin;
    this.#originToClient += originToClient;
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
  }

  snapshot(): CounterSnapshot {
    return {
      running: this.#running,
      ended: this.#ended,
      attempts: this.#attempts,
      clientToOrigin: this.#clientToOrigin,
      originToClient: this.#originToClient,
      byKind: Object.fromEntries(this.#byKind),
    };
  }
}
