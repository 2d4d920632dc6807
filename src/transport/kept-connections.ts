import type { Socket } from 'node:net';

/** What is kept: a connection, with whatever its owner knows of it. */
export interface Kept {
  readonly socket: Socket;
}

interface Entry<T> {
  readonly key: string;
  readonly connection: T;
  /** Ends the watch over the idle connection. */
  readonly release: () => void;
}

/** Bounds on what is kept. */
export interface KeptLimits {
  /** In all; the oldest go first. Default 1,024. */
  readonly total?: number;
  /** Of one key; the oldest go first. Default 32. */
  readonly perKey?: number;
}

/** Idle connections to exits that may serve again. One is closed when its time is over, when its peer closes, or when its peer
 *  sends anything: octets that nobody asked for would become the answer to the next request. */
export class KeptConnections<T extends Kept> {
  readonly #total: number;
  readonly #perKey: number;
  /** By key; the newest is last. */
  readonly #byKey = new Map<string, Entry<T>[]>();
  /** All of them, the oldest first. */
  readonly #byAge = new Set<Entry<T>>();

  constructor(limits: KeptLimits = {}) {
    this.#total = limits.total ?? 1024;
    this.#perKey = limits.perKey ?? 32;
  }

  get size(): number {
    return this.#byAge.size;
  }

  /** The connection last kept under `key` that is still open, or null. It is the caller's again: paused, with no listener of
   *  ours. The key must hold everything that two users of a connection may not differ in. */
  take(key: string): T | null {
    const entry = this.#byKey.get(key)?.at(-1);
    if (entry === undefined) return null;
    this.#remove(entry);
    const { socket } = entry.connection;
    if (isIdle(socket)) return entry.connection;
    socket.destroy();
    return this.take(key);
  }

  /** Keeps a connection on which everything asked has been answered, for at most `idleMs`. One that is not idle is closed. */
  keep(key: string, connection: T, idleMs: number): void {
    const { socket } = connection;
    if (!isIdle(socket)) {
      socket.destroy();
      return;
    }
    const drop = (): void => this.#drop(entry);
    const timer = setTimeout(drop, idleMs);
    const release = (): void => {
      clearTimeout(timer);
      socket.off('data', drop).off('end', drop).off('close', drop).pause();
    };
    const entry: Entry<T> = { key, connection, release };
    this.#add(entry);
    socket.on('data', drop).on('end', drop).on('close', drop).resume();
  }

  /** Closes those that `matches` picks: of a client that is gone, of an exit that changed. */
  dropMatching(matches: (connection: T, key: string) => boolean): void {
    for (const entry of [...this.#byAge]) if (matches(entry.connection, entry.key)) this.#drop(entry);
  }

  closeAll(): void {
    this.dropMatching(() => true);
  }

  #add(entry: Entry<T>): void {
    const stack = this.#byKey.get(entry.key);
    if (stack === undefined) this.#byKey.set(entry.key, [entry]);
    else stack.push(entry);
    this.#byAge.add(entry);

    const [oldestOfKey] = stack ?? [];
    if (stack !== undefined && oldestOfKey !== undefined && stack.length > this.#perKey) this.#drop(oldestOfKey);
    const [oldest] = this.#byAge;
    if (oldest !== undefined && this.#byAge.size > this.#total) this.#drop(oldest);
  }

  #drop(entry: Entry<T>): void {
    if (!this.#byAge.has(entry)) return;
    this.#remove(entry);
    entry.connection.socket.destroy();
  }

  #remove(entry: Entry<T>): void {
    entry.release();
    this.#byAge.delete(entry);
    const stack = this.#byKey.get(entry.key) ?? [];
    stack.splice(stack.lastIndexOf(entry), 1);
    if (stack.length === 0) this.#byKey.delete(entry.key);
  }
}

const isIdle = (socket: Socket): boolean =>
  !socket.destroyed && !socket.readableEnded && !socket.writableEnded && socket.readableLength === 0;
