import type { ProviderView } from '../admin/provider-view.ts';
import { State } from '../selection/provider-standing.ts';
import type { Providers } from './providers.ts';

/** How often providers are looked at, in ms. */
const LOOK_MS = 100;

/** Pause before the first probe of one that is down, which doubles with each that fails, and the longest, in ms … */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** … and by how much they differ, so that no two gateways ask in step. */
const JITTER = 0.25;

export interface ProviderWatchOptions {
  readonly providers: Providers;
  /** Whether the provider answers, asked over the exit in `slot`. */
  readonly ask: (slot: number) => Promise<boolean>;
  readonly now: () => number;
  readonly random: () => number;
  /** Told each change of a standing. */
  readonly tell: (line: string) => void;
}

/** One that is down, or comes back. */
interface Watched {
  state: State;
  failures: number;
  dueAt: number;
  readonly downAt: number;
  asking: boolean;
}

/** Looks after providers that are down: asks them again and again, ever more rarely, and lets exchanges in once one answers. For the
 *  control thread. */
export class ProviderWatch {
  readonly #options: ProviderWatchOptions;
  readonly #watched = new Map<number, Watched>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ProviderWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Notes what has changed, and asks who is due. */
  look(): void {
    const { providers, now } = this.#options;
    if (!providers.health.anyClosed && this.#watched.size === 0) return;
    const rows = providers.rows();
    for (const row of this.#watched.keys()) if (!rows.includes(row)) this.#watched.delete(row);
    for (const row of rows) {
      this.#note(row, providers.state(row));
      providers.health.unstall(row, now());
      const watched = this.#watched.get(row);
      if (watched?.state !== State.down || watched.asking || now() < watched.dueAt) continue;
      watched.asking = true;
      void this.#ask(row, watched);
    }
  }

  #note(row: number, state: State): void {
    const { now } = this.#options;
    const known = this.#watched.get(row);
    if (state === (known?.state ?? State.up)) return;
    if (state === State.up) {
      this.#watched.delete(row);
      this.#tell(row, () => `serves again, ${secondsOf(now() - (known?.downAt ?? now()))} after it went down`);
      return;
    }
    const watched = known ?? { state, failures: 0, dueAt: 0, downAt: now(), asking: false };
    this.#watched.set(row, watched);
    watched.state = state;
    if (state === State.recovering) return this.#tell(row, () => 'answers again: exchanges are let in step by step');
    if (known !== undefined) watched.failures += 1;
    watched.dueAt = now() + this.#pauseMs(watched);
    this.#tell(row, ({ why }) => `is down (${why}): its exits are left alone until it answers`);
  }

  async #ask(row: number, watched: Watched): Promise<void> {
    const { providers, ask, now } = this.#options;
    const slot = providers.slotOf(row);
    // Whatever went wrong is no answer.
    const answers = slot >= 0 && (await ask(slot).catch(() => false));
    watched.asking = false;
    if (this.#timer === null || this.#watched.get(row) !== watched) return;
    if (answers) {
      providers.health.probed(row, now());
      this.#note(row, providers.state(row));
      return;
    }
    watched.failures += 1;
    watched.dueAt = now() + this.#pauseMs(watched);
  }

  #pauseMs({ failures }: Watched): number {
    const plain = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    return plain * (1 - JITTER + 2 * JITTER * this.#options.random());
  }

  #tell(row: number, what: (view: ProviderView) => string): void {
    const { providers, tell } = this.#options;
    const view = providers.viewOf(row);
    if (view !== null) tell(`provider ${view.provider} (account ${view.account}) of pool ${view.pool} ${what(view)}`);
  }
}

const secondsOf = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
