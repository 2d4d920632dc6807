import type { SessionFilter, Sessions } from '../admin/session-commands.ts';
import { type SessionList, type SessionView, sessionView } from '../admin/session-view.ts';
import { freshMint, sessionEpoch } from '../gateway/choosing/session-exit.ts';
import type { IdEpochs } from '../memory/id-epochs.ts';
import type { LeaseEntry, LeaseKey } from '../memory/lease.ts';
import type { Exit } from '../pool/exit.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { LeaseMemory } from '../threads/lease-memory.ts';

export interface SessionDeskOptions {
  readonly leases: LeaseMemory;
  readonly registry: PoolRegistry;
  readonly epochs: IdEpochs;
  /** Whether the exit in a slot may be given to a session. */
  readonly isOpen: (slot: number) => boolean;
  /** The key of a session's lease. */
  readonly keyOf: (client: string, session: string) => LeaseKey;
  /** Waits until the disk has what changed. Throws StoreError. */
  readonly keep: () => void;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The sessions of the running gateway, for those who operate it: what they are told has happened survives a power cut. Throws StoreError
 *  where it can't be kept. */
export class SessionDesk implements Sessions {
  readonly #options: SessionDeskOptions;

  constructor(options: SessionDeskOptions) {
    this.#options = options;
  }

  /** How many there are, a second ago at most; how many had to go early for want of room, and how many found none. */
  get figures(): { readonly held: number; readonly evicted: number; readonly refused: number } {
    const { swept, evicted, refused } = this.#options.leases.keeper;
    return { held: swept, evicted, refused };
  }

  list(filter: SessionFilter, limit: number): SessionList {
    const { keeper } = this.#options.leases;
    const sessions: SessionView[] = [];
    let more = 0;
    for (const lease of keeper.entries(this.#options.now())) {
      if (!passes(lease, filter)) continue;
      if (sessions.length < limit) sessions.push(this.#view(lease));
      else more++;
    }
    return { sessions, more, evicted: keeper.evicted, refused: keeper.refused };
  }

  /** To an exit of the same pool: in the same country and autonomous system if one is left there, or the same country, or any. */
  move({ client, session }: SessionView): SessionView | null {
    const { leases, registry, epochs, isOpen, keep, now, random } = this.#options;
    const key = this.#options.keyOf(client, session);
    const lease = leases.table.find(key, now());
    const exit = lease === undefined ? null : this.#exitOf(lease);
    if (lease === undefined || exit === null) return null;
    const country = exit.geo.country === undefined ? undefined : [exit.geo.country];
    const places = [{ country, asn: exit.geo.asn }, { country }, {}];
    const slots = places
      .map((place) =>
        registry.candidates({ pools: [exit.pool], ...place }).filter((slot) => slot !== lease.slot && isOpen(slot)),
      )
      .find(({ length }) => length > 0);
    const slot = slots?.[Math.floor(random() * slots.length)];
    const to = slot === undefined ? undefined : registry.exitAt(slot);
    if (slot === undefined || to === undefined) return null;
    const { rotation } = to;
    const ttlMs = lease.endsInMs === Number.POSITIVE_INFINITY ? undefined : lease.endsInMs;
    const target = {
      slot,
      generation: registry.generationOf(slot),
      mint: rotation === null ? freshMint(to, {}, random) : sessionEpoch(epochs, slot, { rotation, ttlMs, now: now() }),
      exit: to.id,
      country: to.geo.country ?? '',
      asn: Number(to.geo.asn ?? 0) || 0,
    };
    leases.table.move(key, { from: lease, to: target, pinnedToo: true }, now());
    keep();
    return this.list({ client, session }, 1).sessions[0] ?? null;
  }

  end({ client, session }: SessionView): void {
    const { leases, keyOf, keep, now } = this.#options;
    leases.table.remove(keyOf(client, session), now());
    keep();
  }

  #view(lease: LeaseEntry): SessionView {
    return sessionView(lease, this.#exitOf(lease)?.pool ?? null);
  }

  #exitOf({ slot, generation }: { readonly slot: number; readonly generation: number }): Exit | null {
    const { registry } = this.#options;
    return registry.generationOf(slot) === generation ? (registry.exitAt(slot) ?? null) : null;
  }
}

function passes(lease: LeaseEntry, { client, exit, session }: SessionFilter): boolean {
  return (
    (client === undefined || lease.client === client) &&
    (exit === undefined || lease.exit === exit.toLowerCase()) &&
    (session === undefined || lease.session === session)
  );
}
