import { Buffer } from 'node:buffer';
import { timingSafeEqual } from 'node:crypto';
import { AddressSet, plainAddress } from '../protocol/address-range.ts';
import type { ClientRules } from './rule.ts';

/** What is known of one client. The store's records have this shape. */
export interface ClientRecord {
  readonly name: string;
  readonly enabled: boolean;
  /** Ranges that the client may connect from; empty: anywhere. */
  readonly allowIp: readonly string[];
  /** Whether connecting from `allowIp` is a credential by itself. */
  readonly allowIpIsCredential: boolean;
  /** Pools that it may use; empty: all of them. */
  readonly pools: readonly string[];
  /** Default parameters, as text of the username grammar. */
  readonly params: string;
  readonly rules: ClientRules;
  readonly dialects: readonly string[];
  /** Null: as the listener says. */
  readonly replyFields: 'on' | 'off' | null;
  /** Its own limits, as text: see LimitRule. */
  readonly limits: readonly string[];
  /** Its own quotas, as text: see QuotaRule. */
  readonly quotas: readonly string[];
  /** Keyed hashes in hex; at most `secretLimit` count. */
  readonly secrets: readonly { readonly hash: string }[];
}

/** A login as it was presented. */
export interface Login {
  readonly name: string;
  readonly secret: string;
  /** The secret percent-decoded, where that differs: some clients send it still encoded. */
  readonly alternativeSecret?: string;
  /** The address the connection came from. */
  readonly source: string;
}

/** Why a login failed. For the log only: whoever logs in is told the same of all. */
export type LoginFailure = 'unknown' | 'wrong_secret' | 'disabled' | 'source';

export type LoginResult =
  | { readonly ok: true; readonly client: ClientRecord }
  | { readonly ok: false; readonly reason: LoginFailure };

/** How many secrets a client can have at once. Each login is compared with so many, whether they exist or not. */
export const secretLimit = 4;

interface Entry {
  readonly record: ClientRecord;
  /** Exactly `secretLimit`, filled up with decoys. */
  readonly hashes: readonly Buffer[];
  readonly sources: AddressSet;
}

/** All clients at one time, frozen: a change makes a new directory. */
export class ClientDirectory {
  /** Stands for this directory with whoever remembers a login by it, and must not keep it alive. */
  readonly mark: object = {};
  readonly #hash: (secret: string) => Buffer;
  readonly #entries = new Map<string, Entry>();
  readonly #decoy: Buffer;
  readonly #decoys: readonly Buffer[];
  readonly #bySource: readonly Entry[];

  /** `hash` is the keyed hash that the records' secrets were made with. Throws RangeError where an `allowIp` is no range. */
  constructor(records: Iterable<ClientRecord>, { hash }: { hash: (secret: string) => Buffer }) {
    this.#hash = hash;
    // No text is known that hashes to zeros, so a decoy equals nothing.
    this.#decoy = Buffer.alloc(hash('').length);
    this.#decoys = new Array<Buffer>(secretLimit).fill(this.#decoy);
    for (const record of records) {
      const hashes = this.#decoys.map((decoy, i) => this.#hashOf(record.secrets[i]?.hash) ?? decoy);
      this.#entries.set(record.name, { record, hashes, sources: new AddressSet(record.allowIp) });
    }
    const credited = [...this.#entries.values()].filter(({ record }) => record.enabled && record.allowIpIsCredential);
    this.#bySource = credited.filter(({ sources }) => sources.size > 0);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The record of a client, enabled or not. */
  get(name: string): ClientRecord | undefined {
    return this.#entries.get(name)?.record;
  }

  /** Judges a login. The work is the same for every name: one hash (two with an alternative), each compared in constant time
   *  with `secretLimit` others. */
  authenticate(login: Login): LoginResult {
    const entry = this.#entries.get(login.name);
    const hashes = entry?.hashes ?? this.#decoys;
    const first = equalsAny(this.#hash(login.secret), hashes);
    const second = login.alternativeSecret !== undefined && equalsAny(this.#hash(login.alternativeSecret), hashes);
    if (entry === undefined) return { ok: false, reason: 'unknown' };
    if (!first && !second) return { ok: false, reason: 'wrong_secret' };
    if (!entry.record.enabled) return { ok: false, reason: 'disabled' };
    if (!admits(entry, login.source)) return { ok: false, reason: 'source' };
    return { ok: true, client: entry.record };
  }

  /** The client of a connection without a login. With `boundClient` (the listener's own) that client, if it is enabled and
   *  admits the source; otherwise the one client for which connecting from this source is a credential. Null where there is
   *  none, or more than one. */
  bySource(source: string, boundClient?: string): ClientRecord | null {
    if (boundClient !== undefined) {
      const entry = this.#entries.get(boundClient);
      return entry?.record.enabled && admits(entry, source) ? entry.record : null;
    }
    const address = this.#bySource.length === 0 ? null : plainAddress(source);
    if (address === null) return null;
    const matching = this.#bySource.filter(({ sources }) => sources.has(address));
    return matching.length === 1 ? (matching[0]?.record ?? null) : null;
  }

  /** Null for what is no hash, so that a damaged record fails its login and nothing else. */
  #hashOf(hex: string | undefined): Buffer | null {
    const hash = Buffer.from(hex ?? '', 'hex');
    return hash.length === this.#decoy.length ? hash : null;
  }
}

function equalsAny(hash: Buffer, hashes: readonly Buffer[]): boolean {
  let equal = false;
  for (const other of hashes) equal = timingSafeEqual(hash, other) || equal;
  return equal;
}

function admits({ sources }: Entry, source: string): boolean {
  if (sources.size === 0) return true;
  const address = plainAddress(source);
  return address !== null && sources.has(address);
}
