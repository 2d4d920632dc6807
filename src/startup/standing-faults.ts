import type { PoolReload } from '../admin/reload-command.ts';

/** Why what the files say isn't what holds, as it was when they were read last. A log tells of each fault once; whoever looks later
 *  would take what he wrote for what is in force. */
export class StandingFaults {
  readonly #byPool = new Map<string, readonly string[]>();
  #others: readonly string[] = [];
  #refusal: string | null = null;

  /** Why the last reload of everything was refused; null where it held, or there was none. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** Of pools that keep what they had, and of files that are no pool that stands. */
  get all(): readonly string[] {
    return [...this.#byPool.values(), this.#others].flat();
  }

  /** Why a pool keeps what it had; empty where it doesn't. */
  ofPool(name: string): readonly string[] {
    return this.#byPool.get(name) ?? [];
  }

  /** Everything is as the files say. */
  clear(): void {
    this.#byPool.clear();
    this.#others = [];
    this.#refusal = null;
  }

  refuse(why: string): void {
    this.#refusal = why;
  }

  /** What became of pools that were read again. */
  takePools({ pools }: PoolReload): void {
    for (const { pool, faults } of pools) {
      if (faults.length > 0) this.#byPool.set(pool, faults);
      else this.#byPool.delete(pool);
    }
  }

  /** Faults of no pool that stands, of all files. */
  takeOthers(faults: readonly string[]): void {
    this.#others = faults;
  }
}
