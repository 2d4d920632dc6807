import { sayGoodbye } from './goodbye.ts';
import { LinkedList, type Place, placeOf } from './linked-list.ts';
import type { Socket } from './socket.ts';

/** What is kept: a connection, with whatever its owner knows of it. */
export interface Kept {
  readonly socket: Socket;
}

/** Watches over idle connections. */
export interface Watch<T> {
  /** Begins to watch: `drop` is to be called when the peer closes or sends anything. It is the same at every call for one
   *  connection. */
  begin(connection: T, drop: () => void): void;
  /** Ends the watch. */
  end(connection: T, drop: () => void): void;
}

/** What is remembered of a connection for as long as it lives, so that being kept again and again costs no garbage. While it
 *  is kept it stands in a list by age, and in its key's. */
class Entry<T> {
  readonly connection: T;
  readonly drop: () => void;
  readonly byAge: Place<Entry<T>> = placeOf<Entry<T>>(this);
  readonly ofKey: Place<Entry<T>> = placeOf<Entry<T>>(this);
  key = '';
  /** Armed again in place; while the connection is in use it rests, and does nothing when it fires. */
  timer: NodeJS.Timeout | null = null;
  idleMs = 0;

  constructor(connection: T, drop: (entry: Entry<T>) => void) {
    this.connection = connection;
    this.drop = () => drop(this);
  }
}

export interface KeptOptions<T> {
  /** Greatest number in all; the oldest go first. Default 1,024. */
  readonly total?: number;
  /** Greatest number of one key; the oldest go first. Default 256. */
  readonly perKey?: number;
  /** By default listeners on the socket, which flows while it is watched. */
  readonly watch?: Watch<T>;
  /** How long the peer of one that is closed may take to close as well, in ms. Default 5,000. */
  readonly goodbyeMs?: number;
}

/** As many as one exit may have served at once for one client: those above are closed and dialled again at every turn of a burst,
 *  which makes requests three times as dear just when there are many. */
const PER_KEY = 256;

/** Of a surplus so many are closed at once. */
const RETIRED_AT_ONCE = 32;

/** Several round trips over a slow exit. */
const GOODBYE_MS = 5_000;

/** Idle connections to exits that may serve again. One is closed when its time is over, when its peer closes, or when its peer
 *  sends anything: octets that nobody asked for would become the answer to the next request. */
export class KeptConnections<T extends Kept> {
  #total: number;
  readonly #perKey: number;
  readonly #watch: Watch<T>;
  readonly #goodbyeMs: number;
  readonly #entries = new WeakMap<T, Entry<T>>();
  /** Those of each key, the newest last. */
  readonly #byKey = new Map<string, LinkedList<Entry<T>>>();
  readonly #byAge = new LinkedList<Entry<T>>();
  #era = 0;
  readonly #closing = new Set<Socket>();
  #closed: (() => void)[] = [];

  constructor(options: KeptOptions<T> = {}) {
    this.#total = options.total ?? 1024;
    this.#perKey = options.perKey ?? PER_KEY;
    this.#watch = options.watch ?? socketWatch;
    this.#goodbyeMs = options.goodbyeMs ?? GOODBYE_MS;
  }

  /** The greatest number in all, from now on. Of a surplus a few are closed at each call, so that a share that changes and comes back
   *  costs little. */
  limitTo(total: number): void {
    this.#total = total;
    for (let left = RETIRED_AT_ONCE; left > 0 && this.size > total; left--) this.#retire(this.#byAge.first);
  }

  get size(): number {
    return this.#byAge.size;
  }

  /** Another one once all that were open have ceased to be what is wanted. Whoever keeps a connection must see that it was opened in
   *  this one: one that was in use then wasn't closed with the others. */
  get era(): number {
    return this.#era;
  }

  /** The connection last kept under `key` that is still open, or null. It is the caller's again, watched no more. The key must
   *  hold everything that two users of a connection may not differ in. */
  take(key: string): T | null {
    const entry = this.#byKey.get(key)?.last?.of;
    if (entry === undefined) return null;
    this.#remove(entry);
    const { socket } = entry.connection;
    if (isIdle(socket)) return entry.connection;
    socket.destroy();
    return this.take(key);
  }

  /** Whether one is kept under `key`. */
  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Keeps a connection on which everything asked has been answered, for at most `idleMs`. One that is not idle is closed. */
  keep(key: string, connection: T, idleMs: number): void {
    if (!isIdle(connection.socket)) {
      connection.socket.destroy();
      return;
    }
    const entry = this.#entryOf(connection);
    this.#arm(entry, idleMs);
    this.#watch.begin(connection, entry.drop);
    this.#add(entry, key);
  }

  /** Closes, in order, a connection on which everything asked has been answered and which nobody keeps. It must flow. */
  dismiss({ socket }: T): void {
    this.#awaitClose(socket);
    sayGoodbye(socket, this.#goodbyeMs);
  }

  /** Whether there is room for a connection that its owner is about to close in its own way: then closed() waits for it as well. */
  makesRoomFor(socket: Socket): boolean {
    if (socket.destroyed || this.size + this.#closing.size >= this.#total) return false;
    this.#awaitClose(socket);
    return true;
  }

  /** Dismisses those that `matches` picks: of a client that is gone, of an exit that changed. */
  dropMatching(matches: (connection: T, key: string) => boolean): void {
    for (let place = this.#byAge.first; place !== null; ) {
      const { of: entry, behind } = place;
      if (matches(entry.connection, entry.key)) this.#retire(place);
      place = behind;
    }
  }

  closeAll(): void {
    this.#era++;
    this.dropMatching(() => true);
  }

  /** Resolves once those that were dismissed, or had room made for them, are closed. */
  closed(): Promise<void> {
    if (this.#closing.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#closed.push(resolve));
  }

  #awaitClose(socket: Socket): void {
    this.#closing.add(socket);
    socket.once('close', () => {
      this.#closing.delete(socket);
      if (this.#closing.size === 0) for (const resolve of this.#closed.splice(0)) resolve();
    });
  }

  #entryOf(connection: T): Entry<T> {
    const known = this.#entries.get(connection);
    if (known !== undefined) return known;
    const entry = new Entry(connection, (kept) => this.#drop(kept));
    this.#entries.set(connection, entry);
    return entry;
  }

  #arm(entry: Entry<T>, idleMs: number): void {
    if (entry.timer !== null && entry.idleMs === idleMs) {
      entry.timer.refresh();
      return;
    }
    disarm(entry);
    entry.idleMs = idleMs;
    entry.timer = setTimeout(() => {
      entry.timer = null;
      this.#retire(entry.byAge);
    }, idleMs).unref();
  }

  #add(entry: Entry<T>, key: string): void {
    entry.key = key;
    this.#byAge.push(entry.byAge);
    const ofKey = this.#byKey.get(key) ?? new LinkedList<Entry<T>>();
    if (ofKey.size === 0) this.#byKey.set(key, ofKey);
    ofKey.push(entry.ofKey);
    if (ofKey.size > this.#perKey) this.#retire(ofKey.first);
    if (this.size > this.#total) this.#retire(this.#byAge.first);
  }

  /** Closes one whose peer has closed, or doesn't keep to what was agreed. */
  #drop(entry: Entry<T>): void {
    if (!entry.byAge.isTaken) return;
    this.#remove(entry);
    disarm(entry);
    entry.connection.socket.destroy();
  }

  /** Closes one that is as good as ever. */
  #retire(place: Place<Entry<T>> | null): void {
    if (place === null) return;
    const entry = place.of;
    if (!entry.byAge.isTaken) return;
    this.#remove(entry);
    disarm(entry);
    entry.connection.socket.resume();
    this.dismiss(entry.connection);
  }

  #remove(entry: Entry<T>): void {
    this.#watch.end(entry.connection, entry.drop);
    this.#byAge.remove(entry.byAge);
    const ofKey = this.#byKey.get(entry.key);
    ofKey?.remove(entry.ofKey);
    if (ofKey?.size === 0) this.#byKey.delete(entry.key);
  }
}

function disarm(entry: { timer: NodeJS.Timeout | null }): void {
  if (entry.timer !== null) clearTimeout(entry.timer);
  entry.timer = null;
}

const isIdle = (socket: Socket): boolean =>
  !socket.destroyed && !socket.readableEnded && !socket.writableEnded && socket.readableLength === 0;

/** Watches by listeners of its own, which are there only while it watches; otherwise the socket is paused. */
const socketWatch: Watch<Kept> = {
  begin: ({ socket }, drop) => {
    socket.on('data', drop).on('end', drop).on('close', drop).resume();
  },
  end: ({ socket }, drop) => {
    socket.off('data', drop).off('end', drop).off('close', drop).pause();
  },
};
