import type { ExitRows } from '../memory/exit-rows.ts';
import type { IdEpochs } from '../memory/id-epochs.ts';
import type { PoolRegistry } from '../pool/registry.ts';

/** All slots are looked at within so many ticks of one second. */
const TICKS = 5;
const TICK_MS = 1000;

export interface IdRenewalsOptions {
  readonly registry: PoolRegistry;
  readonly epochs: IdEpochs;
  readonly rows: ExitRows;
  readonly now: () => number;
}

/** Lets go of vendors' session ids whose time is over: for the control thread. Without it a slot whose id has failed would be left
 *  alone although its next id is another address. */
export class IdRenewals {
  readonly #options: IdRenewalsOptions;
  #slots: Int32Array = new Int32Array(0);
  #at = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: IdRenewalsOptions) {
    this.#options = options;
    this.look();
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** The registry reads another version. */
  look(): void {
    const { registry } = this.#options;
    this.#slots = registry.rotatingSlots();
    this.#at = 0;
  }

  /** After a start, when what was learned has come back: the ids of all slots are others now. */
  forget(): void {
    const now = this.#options.now();
    for (const slot of this.#slots) this.#options.rows.renew(slot, now);
  }

  tick(): void {
    const { registry, epochs, now } = this.#options;
    const share = Math.ceil(this.#slots.length / TICKS);
    for (let i = 0; i < share; i += 1) {
      const slot = this.#slots[this.#at] ?? -1;
      this.#at = (this.#at + 1) % Math.max(1, this.#slots.length);
      const life = slot < 0 || epochs.epochOf(slot) === 0 ? null : registry.rotationOf(slot);
      if (life !== null) epochs.retire(slot, life, now());
    }
  }
}
