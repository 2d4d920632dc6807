import type { SlotRef } from './request.ts';

/** How long a silence is remembered, and how long an exit is avoided that was found to be mute, in ms. */
const SILENCE_MS = 60_000;
const MUTE_MS = 60_000;

/** Sites at which an exit alone was silent before it is found to be mute: one may have closed itself to it, or have been slow. */
const LEAST_SITES = 2;

/** Origins of silences remembered, and exits as mute. */
const MOST_DOUBTS = 1_000;
const MOST_MUTE = 100;

const NOBODY: readonly SlotRef[] = Object.freeze([]);

/** Who asks for what. */
interface Asked {
  readonly client: string;
  readonly authority: string;
}

/** A tunnel in which the client has spoken and nobody has answered. */
export interface Silence extends Asked {
  readonly site: string;
  readonly exit: SlotRef;
  /** When the client had spoken. */
  readonly since: number;
}

/** A tunnel in which the same was said and answered, the first of it `at`. */
export interface Answer extends Asked {
  readonly slot: number;
  readonly at: number;
}

/** The last silence of an origin to a client. It is nobody's at first; the exit's once another has been answered; and counts no more once
 *  anything has come over the exit (`heard`), or another was silent there as well (`shared`). */
interface Doubt extends Silence {
  readonly at: number;
  readonly whose: 'open' | 'exit' | 'heard' | 'shared';
}

interface Mute {
  readonly client: string;
  readonly exit: SlotRef;
  readonly until: number;
}

/** Exits that tell success and then carry nothing, as one thread saw them: the quickest of all, by what they say. Silence may be the
 *  origin's, which closes itself to exits, to clients and to everybody; it is the exit's where it comes at two sites, each of which
 *  answered over another exit afterwards, and nothing has come over this one meanwhile. What a client has seen so is believed for itself
 *  alone, for a minute: it could bring it about for others. */
export class MuteExits {
  /** By client and authority; those silent longest ago first. */
  readonly #doubts = new Map<string, Doubt>();
  /** In the order of their ends. */
  #mute: readonly Mute[] = [];
  /** Slots of which anything of that may be. */
  readonly #suspects = new Set<number>();

  /** Whether nobody is suspected, so that nobody need be told what was answered. */
  get isIdle(): boolean {
    return this.#suspects.size === 0;
  }

  silent(silence: Silence, now: number): void {
    this.#forget(now);
    const { exit, client } = silence;
    const key = keyOf(silence);
    const before = this.#doubts.get(key);
    this.#suspects.add(exit.slot);
    this.#doubts.delete(key);
    this.#doubts.set(key, { ...silence, at: now, whose: whoseNext(before, exit) });
    if (before?.whose === 'exit') this.#judge(client, before.exit, now);
    if (this.#doubts.size > MOST_DOUBTS)
      for (const oldest of this.#doubts.keys()) return void this.#doubts.delete(oldest);
  }

  /** An origin has answered over the exit. */
  answered({ slot, at, ...asked }: Answer, now: number): void {
    this.#forget(now);
    this.heard(slot);
    const key = keyOf(asked);
    const doubt = this.#doubts.get(key);
    // What came before tells nothing of the origin since.
    if (doubt?.whose !== 'open' || doubt.exit.slot === slot || at <= doubt.since) return;
    this.#doubts.set(key, { ...doubt, whose: 'exit' });
    this.#judge(asked.client, doubt.exit, now);
  }

  /** Anything has come from an origin over the exit. */
  heard(slot: number): void {
    if (!this.#suspects.delete(slot)) return;
    this.#mute = this.#mute.filter(({ exit }) => exit.slot !== slot);
    for (const [key, doubt] of this.#doubts)
      if (doubt.exit.slot === slot && doubt.whose !== 'shared') this.#doubts.set(key, { ...doubt, whose: 'heard' });
  }

  /** Exits that the client had better not ask for `authority`: what is mute to it, and the one that alone was silent there. */
  avoided(asked: Asked, now: number): readonly SlotRef[] {
    this.#forget(now);
    const doubt = this.#doubts.get(keyOf(asked));
    const silent = doubt?.whose === 'open' || doubt?.whose === 'exit' ? [doubt.exit] : NOBODY;
    if (this.#mute.length === 0) return silent;
    return [...silent, ...this.#mute.filter(({ client }) => client === asked.client).map(({ exit }) => exit)];
  }

  #judge(client: string, exit: SlotRef, now: number): void {
    const sites = new Set<string>();
    for (const doubt of this.#doubts.values())
      if (doubt.whose === 'exit' && doubt.client === client && isSame(doubt.exit, exit)) sites.add(doubt.site);
    const others = this.#mute.filter((mute) => mute.client !== client || mute.exit.slot !== exit.slot);
    const found = sites.size < LEAST_SITES ? [] : [{ client, exit, until: now + MUTE_MS }];
    this.#mute = [...others, ...found].slice(-MOST_MUTE);
  }

  #forget(now: number): void {
    for (const [key, { at }] of this.#doubts) {
      if (at > now - SILENCE_MS) break;
      this.#doubts.delete(key);
    }
    if ((this.#mute[0]?.until ?? now + 1) <= now) this.#mute = this.#mute.filter(({ until }) => until > now);
    if (this.#doubts.size === 0 && this.#mute.length === 0) this.#suspects.clear();
  }
}

/** Whose the silence of an origin is when an exit is silent there (again). */
function whoseNext(before: Doubt | undefined, exit: SlotRef): Doubt['whose'] {
  if (before === undefined) return 'open';
  if (before.whose === 'shared' || !isSame(before.exit, exit)) return 'shared';
  return before.whose === 'exit' ? 'exit' : 'open';
}

const isSame = (one: SlotRef, other: SlotRef): boolean =>
  one.slot === other.slot && one.generation === other.generation;

const keyOf = ({ client, authority }: Asked): string => `${client}\n${authority}`;
