import type { Expiring } from './expiry.ts';
import type { OutsideCount, RelayCounts, RelayHandle, RelayOptions, RelayOutcome, RelayOwner } from './relay.ts';
import type { RelayBinding } from './relay-binding.ts';

/** The same number, as a small integer where it is one. What is read of a Float64Array takes an object of its own wherever it is kept,
 *  and from the first on that is kept in a field so does every number in that field. */
export const small = (value: number): number => (value === (value | 0) ? value | 0 : value);

const NOTHING: RelayCounts = { bytesAtoB: 0, bytesBtoA: 0 };

/** What all tunnels of a thread stand on. */
export interface Ground {
  readonly binding: RelayBinding;
  /** Where counts are read to: of all of them, so that looking at many makes no garbage. */
  readonly counts: Float64Array;
}

/** A tunnel that is relayed outside of JavaScript. There are as many of them as idle tunnels: each field counts. */
export class NativeTunnel implements RelayHandle, Expiring {
  readonly #ground: Ground;
  owner: RelayOwner;
  readonly watchesA: boolean;
  readonly expiresAt: number;
  readonly #outside: OutsideCount | undefined;
  #outcome: RelayOutcome | null = null;
  handle = 0;

  constructor(ground: Ground, options: RelayOptions) {
    const { owner, watchesA = false, outside, expiresAt = Number.POSITIVE_INFINITY } = options;
    this.#ground = ground;
    this.owner = owner;
    this.watchesA = watchesA;
    this.expiresAt = expiresAt;
    this.#outside = outside;
  }

  get outside(): boolean {
    return true;
  }

  get bytesAtoB(): number {
    return this.counts().bytesAtoB;
  }

  get bytesBtoA(): number {
    return this.counts().bytesBtoA;
  }

  cut(): void {
    this.#ground.binding.cut(this.handle);
  }

  renew(octets: number, scarce: boolean): void {
    this.#ground.binding.renew(this.handle, octets, scarce);
  }

  handTo(owner: RelayOwner): void {
    this.owner = owner;
  }

  end(outcome: RelayOutcome): void {
    this.#outcome = outcome;
    this.#outside?.ended();
    this.owner.onEnd(outcome);
  }

  counts(): RelayCounts {
    if (this.#outcome !== null) return this.#outcome;
    const { binding, counts } = this.#ground;
    const lives = binding.counts(this.handle, counts);
    const [bytesAtoB = 0, bytesBtoA = 0] = counts;
    return lives ? { bytesAtoB: small(bytesAtoB), bytesBtoA: small(bytesBtoA) } : NOTHING;
  }
}
