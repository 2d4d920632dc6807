/** ±2.45 standard deviations are as far as a deviate goes. */
const SPREAD = Math.sqrt(6) / 2 ** 16;
const HALF = 16;
const LOW = 0xffff;

/** The many small chances of one pick, unfolded (xorshift) from one number of the caller's source: a pick takes some twenty, and to
 *  ask the source for each costs more than to look at an exit. */
export class Chance {
  #bits = 1;

  /** Begins anew from the next number in [0, 1) of `random`. */
  roll(random: () => number): void {
    // 0 would stay 0.
    this.#bits = (random() * 2 ** 32) | 0 || 1;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return (this.#next() * count * 2 ** -32) | 0;
  }

  /** Roughly a normal deviate: variance 1, within ±2.5. */
  deviate(): number {
    const bits = this.#next();
    return SPREAD * ((bits & LOW) + (bits >>> HALF) - LOW);
  }

  /** 32 bits. */
  #next(): number {
    let bits = this.#bits;
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    this.#bits = bits;
    return bits >>> 0;
  }
}
