import type { Endpoint } from '../protocol/endpoint.ts';
import type { Tier } from '../protocol/params.ts';
import type { Geo, Place } from '../protocol/places.ts';
import type { ProbeTarget } from '../protocol/probe-target.ts';

/** What a request asks of an exit that is minted for it: places in our form, of countries any, and how long its session lasts. */
export interface Asked extends Omit<Geo, 'country'> {
  readonly country?: readonly string[];
  readonly ttlMs?: number;
}

/** An exit that was minted. */
export interface Minted {
  readonly endpoint: Endpoint;
  /** The places that its vendor was asked for because the request did. */
  readonly geo: Geo;
}

/** How long a vendor's session id stands for one address. */
export interface Life {
  /** In ms, where its session wants `ttlMs` and can be given it; null where that isn't known to end. */
  lifetimeMs(ttlMs: number | null): number | null;
  /** After so long without use, in ms, it stands for another one; null where that isn't known. */
  readonly idleMs: number | null;
}

/** The ids that one slot of a vendor's sessions goes by, one after the other. */
export interface Rotation {
  readonly lifetimeMs: number | null;
  readonly idleMs: number | null;
  endpointOf(epoch: number): Endpoint;
}

/** Mints exits for gateway sessions. */
export interface Mint extends Life {
  /** Kinds of places that requests may ask its vendor for. */
  readonly open: ReadonlySet<Place>;
  /** A fresh session id of the vendor, the same for the same `sessionKey` and the same that is asked for. The caller passes an
   *  unguessable key where the client named no session. What the exit doesn't match must not be asked. */
  mint(sessionKey: string, asked: Asked): Minted;
  /** 16 bits that tell choices of places apart for which exits are minted. */
  markOf(asked: Asked): number;
}

/** A vendor's endpoint and account that carry many exits of a pool. */
export interface Carrier {
  /** Its own within the pool; nothing secret, and the same at every start. */
  readonly key: string;
  /** As it is shown: `scheme://host:port`. */
  readonly name: string;
}

/** One way out of a pool. */
export interface Exit {
  /** Opaque, unique in the registry, and fit for the username grammar (`exit-<id>`). It outlives a change of password. */
  readonly id: string;
  readonly pool: string;
  readonly tier: Tier;
  /** What an operator calls it; never shown to clients. */
  readonly name: string | null;
  readonly endpoint: Endpoint;
  /** Whether the exit's own certificate is verified (`https` exits). */
  readonly verifyTls: boolean;
  /** PEM of the authority that signs the exit's certificate; null for the system's. */
  readonly ca: string | null;
  /** Who resolves the origin's name: the exit, or we. */
  readonly dns: 'remote' | 'local';
  /** The family of the address that origins see, where the pool says so. */
  readonly ip: 4 | 6 | null;
  readonly geo: Geo;
  /** Its endpoint carries a session id that was minted here. */
  readonly minted: boolean;
  /** How long what it is lasts; null for an exit that is what it is for good. */
  readonly life: Life | null;
  /** For one of a fixed number of session ids, each of which is followed by another when it is over: its endpoint in each epoch. */
  readonly rotation: Rotation | null;
  /** Where every gateway session gets a session id of its own; `endpoint` then serves probes. */
  readonly mint: Mint | null;
}

/** How a pool's exits are picked. */
export type Strategy = 'learned' | 'two-choices' | 'least-in-flight' | 'round-robin' | 'random';

/** What a pool costs: a gigabyte (10^9 octets to and from its exits), a request that an exit was sent, and one of its exits for a
 *  month. `currency` is an ISO 4217 code. */
export interface Price {
  readonly perGB: number;
  readonly perRequest: number;
  readonly perIpMonth: number;
  readonly currency: string;
}

/** How exits are probed that no client has tried lately. Durations in ms. */
export interface Probing {
  /** In turn; empty for what can be asked without a service of others. */
  readonly targets: readonly { readonly target: ProbeTarget; readonly maxLatencyMs: number }[];
  /** Between two probes of one exit, at least. */
  readonly everyMs: number;
  /** How long nothing was heard of an exit that counts as idle. */
  readonly idleAfterMs: number;
  /** Octets for a day; 0 for no probes. */
  readonly budget: number;
  readonly concurrency: number;
}

/** A named set of exits. */
export interface Pool {
  readonly name: string;
  /** Its own while the process lives, over reloads too; from 0 on, in the order in which pools came. */
  readonly number: number;
  readonly tier: Tier;
  readonly price: Price | null;
  readonly strategy: Strategy;
  /** Whether an exchange that is late is raced by another exit, where that is safe and nothing else was asked. */
  readonly hedge?: boolean;
  readonly probe?: Probing;
  /** How many it has. */
  readonly exits: number;
}
