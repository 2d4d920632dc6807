import type { ClientRecord } from '../policy/client-directory.ts';
import type { Clients } from '../store/clients.ts';
import type { Store } from '../store/database.ts';

export interface ClientWatchOptions {
  readonly store: Store;
  readonly clients: Clients;
  /** Takes all clients, as they are now; resolves when they hold. */
  readonly take: (clients: readonly ClientRecord[]) => Promise<void> | undefined;
  readonly warn: (line: string) => void;
}

/** Notices clients that this or another process changed in the store. */
export class ClientWatch {
  readonly #options: ClientWatchOptions;
  #seen: string;
  #broken = false;

  /** Begins from what the store holds now. */
  constructor(options: ClientWatchOptions) {
    this.#options = options;
    this.#seen = options.store.dataVersion();
  }

  /** Looks once, and hands over what changed. Never rejects: where the store can't be read, traffic goes on by what is known, and
   *  that is said once. */
  async look(): Promise<void> {
    const { store, clients, take, warn } = this.#options;
    try {
      const version = store.dataVersion();
      const records = version === this.#seen ? null : clients.snapshotClients();
      this.#seen = version;
      this.#broken = false;
      if (records !== null) await take(records);
    } catch (cause) {
      if (!this.#broken) {
        const why = cause instanceof Error ? cause.message : cause;
        warn(`the store can't be read, clients stay as they are: ${why}`);
      }
      this.#broken = true;
    }
  }
}
