import type { ClientRecord } from '../policy/client-directory.ts';
import type { Clients } from '../store/clients.ts';
import type { Store } from '../store/database.ts';

export interface ClientWatchOptions {
  readonly store: Store;
  readonly clients: Clients;
  /** Takes all clients, as they are now; resolves when they hold. */
  readonly take: (clients: readonly ClientRecord[]) => Promise<void> | undefined;
  /** Reads what else stands in the store, which has changed. */
  readonly refresh: () => void;
  readonly warn: (line: string) => void;
}

/** Notices what this or another process changed in the store. */
export class ClientWatch {
  readonly #options: ClientWatchOptions;
  #seen: string;
  #taken: string;
  #broken = false;

  /** Begins from what the store holds now. */
  constructor(options: ClientWatchOptions) {
    this.#options = options;
    this.#seen = options.store.dataVersion();
    this.#taken = JSON.stringify(options.clients.snapshotClients());
  }

  /** Looks once, and hands over what changed. Never rejects: where the store can't be read, traffic goes on by what is known, and
   *  that is said once. */
  async look(): Promise<void> {
    const { store, clients, take, refresh, warn } = this.#options;
    try {
      const version = store.dataVersion();
      const records = version === this.#seen ? null : clients.snapshotClients();
      if (records !== null) refresh();
      this.#seen = version;
      this.#broken = false;
      if (records !== null && this.#isNew(records)) await take(records);
    } catch (cause) {
      if (!this.#broken) {
        const why = cause instanceof Error ? cause.message : cause;
        warn(`the store can't be read, clients and states stay as they are: ${why}`);
      }
      this.#broken = true;
    }
  }

  /** Handing clients over closes idle links: that isn't done for what else changed in the store. */
  #isNew(records: readonly ClientRecord[]): boolean {
    const text = JSON.stringify(records);
    const isNew = text !== this.#taken;
    this.#taken = text;
    return isNew;
  }
}
