import { Roster } from '../../transport/roster.ts';
import { type Exchange, NO_PLACE } from '../exchange.ts';

/** How often exchanges are looked at that don't use up what they may, in ms: others may have used up their quota, or their client may
 *  have been given one. */
const LOOK_MS = 1_000;

/** Looks at exchanges that last now and then. */
export class FlowWatch {
  readonly #look: (exchange: Exchange) => void;
  readonly #watched = new Roster<Exchange>();
  #timer: NodeJS.Timeout | null = null;

  constructor(look: (exchange: Exchange) => void) {
    this.#look = look;
  }

  add(exchange: Exchange): void {
    if (exchange.watchPlace !== NO_PLACE) return;
    exchange.watchPlace = this.#watched.add(exchange);
    this.#timer ??= this.#later();
  }

  remove(exchange: Exchange): void {
    if (exchange.watchPlace === NO_PLACE) return;
    this.#watched.remove(exchange.watchPlace);
    exchange.watchPlace = NO_PLACE;
  }

  /** Looks at one now. A fault, such as a rule that can't be read any more, ends the one exchange and not the watch. */
  lookAt(exchange: Exchange): void {
    try {
      this.#look(exchange);
    } catch (fault) {
      exchange.stop(fault);
    }
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => {
      for (const exchange of this.#watched.members()) this.lookAt(exchange);
      this.#timer = this.#watched.size > 0 ? this.#later() : null;
    }, LOOK_MS).unref();
  }
}
