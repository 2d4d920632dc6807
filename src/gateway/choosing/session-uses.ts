import type { IdEpochs } from '../../memory/id-epochs.ts';
import type { LeaseKey } from '../../memory/lease.ts';
import type { LeaseTable } from '../../memory/lease-table.ts';
import { Roster } from '../../transport/roster.ts';
import type { Choice, Exchange } from '../exchange.ts';

/** How often it is looked which sessions have to be kept awake, in ms: less than the shortest idle time that can be asked for. */
const LOOK_MS = 250;

/** A session is touched so many times within its idle time while it is in use. */
const TOUCHES = 4;

/** A session, the exit that an exchange of it holds, and when that is to be touched next. */
interface Use {
  readonly key: LeaseKey;
  readonly choice: Choice;
  readonly everyMs: number;
  nextAt: number;
}

export interface SessionUsesOptions {
  readonly leases: LeaseTable;
  readonly epochs: IdEpochs;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** Keeps sessions from going idle that are in use: a tunnel or a response may last longer than a session may rest. */
export class SessionUses {
  readonly #options: SessionUsesOptions;
  readonly #uses = new Roster<Use>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SessionUsesOptions) {
    this.#options = options;
  }

  /** The exchange, which has a session, goes on over its exit. Until `ended` the session isn't idle. */
  begin(exchange: Exchange, idleMs: number): void {
    const { admission, choice } = exchange;
    const key = admission?.leaseKey ?? null;
    if (idleMs === Number.POSITIVE_INFINITY || exchange.usePlace >= 0 || key === null || choice === null) return;
    const everyMs = idleMs / TOUCHES;
    exchange.usePlace = this.#uses.add({ key, choice, everyMs, nextAt: this.#options.now() + everyMs });
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** It has ended: the session rests from now on. */
  ended(exchange: Exchange): void {
    const use = exchange.usePlace < 0 ? null : this.#uses.at(exchange.usePlace);
    if (use === null) return;
    this.#uses.remove(exchange.usePlace);
    exchange.usePlace = -1;
    this.#touch(use);
    if (this.#uses.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const now = this.#options.now();
    for (const use of this.#uses.members()) {
      if (use.nextAt > now) continue;
      use.nextAt = now + use.everyMs;
      this.#touch(use);
    }
  }

  /** A session that has moved is not in use over the exit that it left. */
  #touch({ key, choice }: Use): void {
    const { leases, epochs, now } = this.#options;
    const { hold } = choice;
    const lease = hold === null ? undefined : leases.find(key, now());
    if (hold === null || lease === undefined) return;
    if (lease.slot !== choice.slot || lease.mint !== hold.mint) return;
    leases.touch(key, now());
    if (choice.exit.rotation !== null) epochs.touch(choice.slot, hold.mint, now());
  }
}
