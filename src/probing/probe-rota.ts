import type { ExitRows } from '../memory/exit-rows.ts';
import type { Pool, Probing } from '../pool/exit.ts';
import type { PoolRegistry } from '../pool/registry.ts';

/** Why an exit is due: nobody has tried it yet, not for a while, or it failed when it was last tried. */
export type DueReason = 'recovering' | 'new' | 'idle';

export interface DueExit {
  readonly slot: number;
  readonly generation: number;
  readonly reason: DueReason;
}

/** Rows looked at in one go: a million exits are gone through in some four minutes, a millisecond at a time. */
const LOOK = 4_096;

/** An exit that keeps failing is asked half as often each time, up to so many times. */
const MOST_DOUBLINGS = 5;

/** Exits remembered for when they are due again. */
const MOST_REMEMBERED = 200_000;

interface Turn {
  readonly generation: number;
  readonly until: number;
  readonly failures: number;
}

/** Tells which exits are due for a probe: those of which live traffic has told nothing. It goes round the pools row by row, keeps a
 *  turn only for exits that were probed, and of the exits that are minted behind one endpoint it takes samples: another probe of the
 *  same session later on would meet another peer anyway. */
export class ProbeRota {
  readonly #rows: ExitRows;
  readonly #registry: PoolRegistry;
  readonly #turns = new Map<number, Turn>();
  /** By terms of minted exits: when the next sample is due. */
  readonly #samples = new Map<number, number>();
  readonly #cursors = new Map<string, number>();

  constructor(rows: ExitRows, registry: PoolRegistry) {
    this.#rows = rows;
    this.#registry = registry;
  }

  /** Up to `most` exits of the pool that are due now, those that failed first. */
  due({ name, probe }: Pool, now: number, most: number): DueExit[] {
    if (probe === undefined || most <= 0) return [];
    const list = this.#registry.candidates({ pools: [name] });
    if (list.length === 0) return [];
    const found: DueExit[] = [];
    let cursor = (this.#cursors.get(name) ?? 0) % list.length;
    for (let looked = Math.min(LOOK, list.length); looked > 0 && found.length < most * 4; looked--) {
      const slot = list[cursor] ?? -1;
      cursor = (cursor + 1) % list.length;
      const reason = this.#reasonOf(slot, probe, now);
      if (reason !== null) found.push({ slot, generation: this.#rows.generationOf(slot), reason });
    }
    this.#cursors.set(name, cursor);
    return found.sort((a, b) => order[a.reason] - order[b.reason]).slice(0, most);
  }

  /** An exit is being probed, and not due again before `untilMs` from now, unless told otherwise when that has ended. */
  begin({ slot, generation }: DueExit, { everyMs, idleAfterMs }: Probing, now: number): void {
    const failures = this.#turnOf(slot)?.failures ?? 0;
    this.#keep(slot, { generation, until: now + everyMs, failures });
    if (this.#isMinted(slot)) this.#samples.set(this.#registry.termsOf(slot), now + idleAfterMs);
  }

  /** How the probe of an exit ended. */
  end(
    { slot, generation }: DueExit,
    ok: boolean,
    { probe, now }: { readonly probe: Probing; readonly now: number },
  ): void {
    const failures = ok ? 0 : Math.min(MOST_DOUBLINGS, (this.#turnOf(slot)?.failures ?? 0) + 1);
    const wait = ok ? probe.idleAfterMs : probe.everyMs * 2 ** (failures - 1);
    this.#keep(slot, { generation, until: now + wait * spread(slot), failures });
  }

  #reasonOf(slot: number, { everyMs, idleAfterMs }: Probing, now: number): DueReason | null {
    const rows = this.#rows;
    // Frozen, gone, or being tried by a client.
    if (!rows.isOpen(slot) || rows.inFlightOf(slot) > 0) return null;
    const heardMs = rows.heardAgoMs(slot, now);
    const reason =
      rows.missesOf(slot) > 0
        ? 'recovering'
        : rows.workedAgoMs(slot, now) === Number.POSITIVE_INFINITY
          ? 'new'
          : 'idle';
    const turn = this.#turnOf(slot);
    if (turn !== undefined) {
      if (now < turn.until) return null;
      // It was tried by others since.
      if (reason === 'idle' && heardMs < idleAfterMs * spread(slot)) return null;
    } else {
      // All that came at the same time are due one after the other.
      const wait =
        reason === 'new' ? everyMs * share(slot) : (reason === 'idle' ? idleAfterMs : everyMs) * spread(slot);
      if (heardMs < wait) return null;
    }
    if (this.#isMinted(slot) && now < (this.#samples.get(this.#registry.termsOf(slot)) ?? 0)) return null;
    return reason;
  }

  /** Exits of one template are of the same terms; what is minted is known by a look at one exit of them. */
  #isMinted(slot: number): boolean {
    return this.#registry.exitAt(slot)?.minted === true;
  }

  #turnOf(slot: number): Turn | undefined {
    const turn = this.#turns.get(slot);
    return turn?.generation === this.#rows.generationOf(slot) ? turn : undefined;
  }

  /** The one that was probed longest ago is forgotten first. */
  #keep(slot: number, turn: Turn): void {
    this.#turns.delete(slot);
    this.#turns.set(slot, turn);
    if (this.#turns.size <= MOST_REMEMBERED) return;
    const [oldest] = this.#turns.keys();
    if (oldest !== undefined) this.#turns.delete(oldest);
  }
}

const order: Readonly<Record<DueReason, number>> = { recovering: 0, new: 1, idle: 2 };

/** Its own share of a span, 0…1, always the same. */
const share = (slot: number): number => (Math.imul(slot + 1, 0x9e3779b1) >>> 0) / 2 ** 32;

/** Waits differ by half, so that what failed together isn't tried together. */
const spread = (slot: number): number => 0.75 + 0.5 * share(slot);
