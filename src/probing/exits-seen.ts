import type { ProbeResult } from '../gateway/probe/probe.ts';
import type { Exit } from '../pool/exit.ts';
import type { ExitSightings, Sighting } from '../store/exit-sightings.ts';
import type { Place } from './geo-databases.ts';

/** How often new sightings are written, in ms: of facts that the next probe finds again so much may be lost. */
const SAVE_MS = 2_000;

export interface ExitsSeenOptions {
  readonly store: ExitSightings;
  readonly placeOf: (address: string) => Place;
  /** In ms since the epoch. */
  readonly wallTime: () => number;
  readonly warn: (line: string) => void;
}

/** What probes have seen of exits: in memory for whoever asks, and in the store for the next start. */
export class ExitsSeen {
  readonly #options: ExitsSeenOptions;
  readonly #byExit: Map<string, Sighting>;
  readonly #unsaved = new Map<string, Sighting>();
  readonly #timer: NodeJS.Timeout;
  #troubled = false;

  /** Throws StoreError. */
  constructor(options: ExitsSeenOptions) {
    this.#options = options;
    options.store.prune();
    this.#byExit = new Map(options.store.all().map((sighting) => [sighting.exit, sighting]));
    this.#timer = setInterval(() => this.#save(), SAVE_MS).unref();
  }

  of(exit: string): Sighting | null {
    return this.#byExit.get(exit) ?? null;
  }

  ids(): Iterable<string> {
    return this.#byExit.keys();
  }

  /** Takes what a probe saw. What it could not see stays as it was seen before; where an address is, the databases know better than
   *  a page that came through the exit. */
  take({ id }: Exit, { kind, asked, ms, seen }: ProbeResult, source: Sighting['source']): void {
    const former = this.#byExit.get(id);
    const address = seen?.address ?? null;
    const place = address === null ? null : this.#options.placeOf(address);
    const sees = address !== null || seen?.country != null || seen?.asn != null;
    const facts = sees
      ? { address, country: place?.country ?? seen?.country ?? null, asn: place?.asn ?? seen?.asn ?? null }
      : { address: former?.address ?? null, country: former?.country ?? null, asn: former?.asn ?? null };
    const at = this.#options.wallTime();
    const sighting = { exit: id, at, source, asked, kind, ms: Math.round(ms), ...facts };
    this.#byExit.set(id, sighting);
    this.#unsaved.set(id, sighting);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#save();
  }

  #save(): void {
    if (this.#unsaved.size === 0) return;
    const sightings = [...this.#unsaved.values()];
    try {
      this.#options.store.put(sightings);
      for (const sighting of sightings) {
        if (this.#unsaved.get(sighting.exit) === sighting) this.#unsaved.delete(sighting.exit);
      }
      this.#troubled = false;
    } catch (cause) {
      if (!this.#troubled) this.#options.warn(`what probes saw can't be saved: ${cause}`);
      this.#troubled = true;
    }
  }
}
