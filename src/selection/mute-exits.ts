import { RejectionLedger } from './blame.ts';

/** How long a silence is remembered that no other exit has disproved, in ms. */
const SUSPECT_MS = 60_000;

/** How long an exit is held to be mute through which nothing has been heard since, in ms. */
const MUTE_MS = 10 * 60_000;

/** Tunnels in a row that are silent before an exit is found to be mute: of one alone the origin may have been slow. */
const LEAST_SILENT = 2;

/** Exits remembered as suspects, and as mute. */
const MOST = 1_000;

const NOBODY: readonly number[] = Object.freeze([]);

/** A tunnel through which the client has spoken and nobody has answered. */
export interface Silence {
  readonly slot: number;
  readonly endpoint: string;
  readonly authority: string;
}

/** When an exit was silent last, and how many tunnels over it in a row. */
interface Silent {
  readonly at: number;
  readonly times: number;
}

/** Exits that tell success and then carry nothing, as one thread saw them: the quickest of all, by what they say. Silence may be the
 *  origin's; it is the exit's where it comes again, another exit is answered by that origin afterwards, and this one by none meanwhile. Such an exit is
 *  mute, and its word that a tunnel is open is worth nothing, until an origin has spoken through it. */
export class MuteExits {
  readonly #ledger = new RejectionLedger({ capacity: MOST, windowMs: SUSPECT_MS });
  /** By slot, and those that were silent longest ago first. */
  readonly #suspects = new Map<number, Silent>();
  readonly #mute = new Map<number, Silent>();

  /** Whether nobody is suspected, so that nobody need be told what was heard. */
  get isIdle(): boolean {
    return this.#suspects.size === 0 && this.#mute.size === 0;
  }

  isMute(slot: number): boolean {
    return this.#mute.size > 0 && this.#mute.has(slot);
  }

  silent({ authority, slot, endpoint }: Silence, now: number): void {
    enter(this.#suspects, slot, { at: now, times: (this.#suspects.get(slot)?.times ?? 0) + 1 });
    this.#ledger.rejected(authority, { slot, endpoint, mayBeNew: true }, now);
  }

  /** Exits over which `authority` was silent last: what another hears of it tells more. None where nobody is suspected, or two exits heard
   *  nothing. */
  suspectsAt(authority: string, now: number): readonly number[] {
    return this.#suspects.size === 0 ? NOBODY : this.#ledger.rejectedBy(authority, now);
  }

  /** An origin has spoken through the exit. Returns the exits that are found to be mute by that. */
  heard({ authority, slot }: Omit<Silence, 'endpoint'>, now: number): readonly number[] {
    forget(this.#suspects, now - SUSPECT_MS);
    forget(this.#mute, now - MUTE_MS);
    this.#suspects.delete(slot);
    this.#mute.delete(slot);
    if (this.#ledger.rejectedBy(authority, now).length === 0) return NOBODY;
    const found = this.#ledger.succeeded(authority, slot, now).filter((other) => this.#isSuspect(other));
    for (const other of found) {
      this.#suspects.delete(other);
      enter(this.#mute, other, { at: now, times: 0 });
    }
    return found;
  }

  #isSuspect(slot: number): boolean {
    return (this.#suspects.get(slot)?.times ?? 0) >= LEAST_SILENT;
  }
}

function enter(exits: Map<number, Silent>, slot: number, silent: Silent): void {
  exits.delete(slot);
  exits.set(slot, silent);
  if (exits.size > MOST) for (const oldest of exits.keys()) return void exits.delete(oldest);
}

function forget(exits: Map<number, Silent>, before: number): void {
  for (const [slot, { at }] of exits) {
    if (at > before) return;
    exits.delete(slot);
  }
}
