import { AddressSet, plainAddress } from '../protocol/address-range.ts';

/** An address that a socket of ours is bound to. `host` is an address; 0.0.0.0 and :: are every local address. */
export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

/** Where this gateway can be reached itself. */
export interface OwnAddresses {
  readonly listeners: readonly BoundAddress[];
  readonly admin: readonly BoundAddress[];
  /** Every address of this machine's interfaces. */
  readonly local: readonly string[];
}

/** What of ours an address leads to. */
export type OwnPlace = 'listener' | 'admin';

interface Binding {
  readonly place: OwnPlace;
  /** Null where it is every local address. */
  readonly host: string | null;
}

const unspecified: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Tells the gateway's own sockets from the world, by address and port. */
export class OwnPlaces {
  readonly #byPort = new Map<number, Binding[]>();
  readonly #local = new AddressSet(['127.0.0.0/8', '::1', '0.0.0.0', '::']);

  constructor(own: OwnAddresses) {
    for (const bound of own.admin) this.#bind('admin', bound);
    for (const bound of own.listeners) this.#bind('listener', bound);
    for (const address of own.local) {
      const plain = plainAddress(address);
      if (plain !== null) this.#local.add(plain);
    }
  }

  /** What of ours a connection to `address` (one reading, see readingsOf) and `port` would reach, or null. */
  at(address: string, port: number): OwnPlace | null {
    const bindings = this.#byPort.get(port);
    if (bindings === undefined) return null;
    for (const { place, host } of bindings) {
      if (host === address || unspecified.has(address) || (host === null && this.#local.has(address))) return place;
    }
    return null;
  }

  #bind(place: OwnPlace, bound: BoundAddress): void {
    const host = plainAddress(bound.host);
    const bindings = this.#byPort.get(bound.port) ?? [];
    bindings.push({ place, host: host === null || unspecified.has(host) ? null : host });
    this.#byPort.set(bound.port, bindings);
  }
}
