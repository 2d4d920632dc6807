import type { SlotRef } from '../site-signals.ts';

/** How long after its end a report on an exchange is taken, in ms. */
const KEPT_MS = 10 * 60_000;

/** Exchanges remembered in each thread; where there are more within ten minutes, the oldest go first. */
const CAPACITY = 65_536;

/** What is remembered of an exchange that an exit served. */
export interface RecentExchange {
  readonly id: string;
  readonly client: string;
  readonly session: string | null;
  readonly tag: string | null;
  readonly site: string;
  /** The exit's id. */
  readonly exit: string;
  readonly at: SlotRef;
  /** In ms of the monotonic clock. */
  readonly startedAt: number;
}

/** What names an exchange: its id; the newest of a session, or of a session at a site; or the one with a tag. `client` is whose
 *  exchanges are meant; null, which only an id can do without, is anybody's. */
export type RecentQuery =
  | { readonly by: 'id'; readonly id: string; readonly client: string | null }
  | { readonly by: 'session'; readonly session: string; readonly site: string | null; readonly client: string }
  | { readonly by: 'tag'; readonly tag: string; readonly client: string };

/** What was found. `ambiguous`: several exchanges carry the tag. */
export interface RecentFinding {
  readonly exchange: RecentExchange | null;
  readonly ambiguous: boolean;
}

/** Finds recent exchanges, wherever they ran. */
export interface RecentLookUp {
  find(query: RecentQuery): Promise<RecentFinding>;
  /** Marks an exchange as reported. False where it already was, or is forgotten. */
  claim(id: string): Promise<boolean>;
}

/** One finding of those of several threads: the newest exchange; a tag found twice is ambiguous. */
export function newestOf(findings: readonly RecentFinding[], query: RecentQuery): RecentFinding {
  const found = findings.flatMap(({ exchange }) => exchange ?? []);
  const ambiguous = findings.some((finding) => finding.ambiguous) || (query.by === 'tag' && found.length > 1);
  const newest = found.reduce<RecentExchange | null>(
    (best, exchange) => (best === null || exchange.startedAt > best.startedAt ? exchange : best),
    null,
  );
  return { exchange: newest, ambiguous };
}

/** The newest exchange with a tag, and the one before, by their tickets. */
interface Tagged {
  newest: number;
  former: number;
}

/** The ticket of no exchange. */
export const NO_TICKET = -1;

const nothing: RecentFinding = Object.freeze({ exchange: null, ambiguous: false });

/** The last exchanges that an exit served, running ones included, in a ring, so that their number is bounded. It is held by
 *  columns, without an object for each: what lives for as long as this ring is long would be copied by the collector, and
 *  collected dear. Tickets count up, and a place in the ring is a ticket's remainder. Names that clients chose are keys of maps,
 *  joined by a space, which none of them can hold. */
export class RecentExchanges {
  readonly #capacity: number;
  #next = 0;
  readonly #ids: string[] = [];
  readonly #clients: string[] = [];
  readonly #sites: string[] = [];
  readonly #exits: string[] = [];
  /** Null where the client gave it no name. */
  readonly #names: (Names | null)[] = [];
  readonly #slots: Int32Array;
  readonly #generations: Int32Array;
  readonly #startedAt: Float64Array;
  /** When it ended; NaN while it runs. */
  readonly #endedAt: Float64Array;
  readonly #reported: Uint8Array;
  /** By the hash of an id the place of the newest with that hash, plus 1, and by a place that of the one before it. */
  readonly #heads: Int32Array;
  readonly #before: Int32Array;
  /** Tickets of the newest of (client, session), and of (client, session, site). */
  readonly #bySession = new Map<string, number>();
  readonly #byTag = new Map<string, Tagged>();

  constructor({ capacity = CAPACITY }: { readonly capacity?: number } = {}) {
    this.#capacity = capacity;
    this.#slots = new Int32Array(capacity);
    this.#generations = new Int32Array(capacity);
    this.#startedAt = new Float64Array(capacity);
    this.#endedAt = new Float64Array(capacity);
    this.#reported = new Uint8Array(capacity);
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(capacity)));
    this.#before = new Int32Array(capacity);
  }

  /** Entries of all maps and places in use, for tests of memory. */
  get size(): number {
    return this.#ids.length + this.#bySession.size + this.#byTag.size;
  }

  /** An exit serves the exchange from now on. Returns its ticket. */
  add(exchange: RecentExchange): number {
    const ticket = this.#next++;
    const place = ticket % this.#capacity;
    if (ticket >= this.#capacity) this.#forget(ticket - this.#capacity);
    const { id, client, session, tag, site, exit, at, startedAt } = exchange;
    this.#ids[place] = id;
    this.#clients[place] = client;
    this.#sites[place] = site;
    this.#exits[place] = exit;
    this.#names[place] = session === null && tag === null ? null : new Names(session, tag);
    this.#slots[place] = at.slot;
    this.#generations[place] = at.generation;
    this.#startedAt[place] = startedAt;
    this.#endedAt[place] = Number.NaN;
    this.#reported[place] = 0;
    const bucket = this.#bucketOf(id);
    this.#before[place] = this.#heads[bucket] as number;
    this.#heads[bucket] = place + 1;
    this.#enterSession(ticket);
    this.#enterTag(ticket);
    return ticket;
  }

  /** The exchange has ended: the time for reports begins. Nothing happens where it is forgotten, or has no ticket. */
  ended(ticket: number, now: number): void {
    if (this.#stands(ticket)) this.#endedAt[ticket % this.#capacity] = now;
  }

  /** Its site has turned out to be another. */
  rename(ticket: number, site: string): void {
    const place = ticket % this.#capacity;
    if (!this.#stands(ticket) || this.#sites[place] === site) return;
    this.#forgetSession(ticket);
    this.#sites[place] = site;
    this.#enterSession(ticket);
  }

  /** What `query` names, as long as a report may be about it. */
  find(query: RecentQuery, now: number): RecentFinding {
    if (query.by === 'tag') return this.#findTag(tagKey(query.client, query.tag), now);
    const ticket = query.by === 'id' ? this.#ticketOf(query.id) : this.#newestOf(query);
    if (!this.#mayBeReported(ticket, now)) return nothing;
    const exchange = this.#at(ticket);
    const isTheirs = query.client === null || exchange.client === query.client;
    return isTheirs ? { exchange, ambiguous: false } : nothing;
  }

  /** Marks an exchange as reported. False where it already was, or is forgotten. */
  claim(id: string, now: number): boolean {
    const ticket = this.#ticketOf(id);
    const place = ticket % this.#capacity;
    if (!this.#mayBeReported(ticket, now) || this.#reported[place] !== 0) return false;
    this.#reported[place] = 1;
    return true;
  }

  #findTag(key: string, now: number): RecentFinding {
    const tagged = this.#byTag.get(key);
    if (tagged === undefined || !this.#mayBeReported(tagged.newest, now)) return nothing;
    return { exchange: this.#at(tagged.newest), ambiguous: this.#mayBeReported(tagged.former, now) };
  }

  #newestOf({ client, session, site }: RecentQuery & { readonly by: 'session' }): number {
    return this.#bySession.get(sessionKey(client, session, site)) ?? NO_TICKET;
  }

  /** Whether the ring still holds it. */
  #stands(ticket: number): boolean {
    return ticket >= 0 && ticket >= this.#next - this.#capacity;
  }

  #mayBeReported(ticket: number, now: number): boolean {
    // Of one that runs the end is no number, and no comparison holds.
    return this.#stands(ticket) && !(now - (this.#endedAt[ticket % this.#capacity] as number) > KEPT_MS);
  }

  #at(ticket: number): RecentExchange {
    const place = ticket % this.#capacity;
    return {
      id: this.#ids[place] as string,
      client: this.#clients[place] as string,
      session: this.#names[place]?.session ?? null,
      tag: this.#names[place]?.tag ?? null,
      site: this.#sites[place] as string,
      exit: this.#exits[place] as string,
      at: { slot: this.#slots[place] as number, generation: this.#generations[place] as number },
      startedAt: this.#startedAt[place] as number,
    };
  }

  /** FNV-1a. */
  #bucketOf(id: string): number {
    let hash = 0x811c9dc5;
    for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
    return (hash >>> 0) & (this.#heads.length - 1);
  }

  /** Each step of the way leads to an older exchange, or behind the end: places are taken anew in the order of their age. */
  #ticketOf(id: string): number {
    let last = this.#next;
    let place = (this.#heads[this.#bucketOf(id)] as number) - 1;
    while (place >= 0) {
      const ticket = this.#ticketAt(place);
      if (ticket >= last) return NO_TICKET;
      if (this.#ids[place] === id) return ticket;
      last = ticket;
      place = (this.#before[place] as number) - 1;
    }
    return NO_TICKET;
  }

  #ticketAt(place: number): number {
    const newest = this.#next - 1;
    return newest - ((newest - place + this.#capacity) % this.#capacity);
  }

  #enterSession(ticket: number): void {
    const place = ticket % this.#capacity;
    const names = this.#names[place] ?? null;
    if (names === null || names.session === null) return;
    const client = this.#clients[place] as string;
    names.ofSession = sessionKey(client, names.session, null);
    names.ofSite = sessionKey(client, names.session, this.#sites[place] as string);
    this.#bySession.set(names.ofSession, ticket).set(names.ofSite, ticket);
  }

  #enterTag(ticket: number): void {
    const place = ticket % this.#capacity;
    const names = this.#names[place] ?? null;
    if (names === null || names.tag === null) return;
    const key = tagKey(this.#clients[place] as string, names.tag);
    names.ofTag = key;
    this.#byTag.set(key, { newest: ticket, former: this.#byTag.get(key)?.newest ?? NO_TICKET });
  }

  #forget(ticket: number): void {
    this.#forgetSession(ticket);
    const key = this.#names[ticket % this.#capacity]?.ofTag ?? null;
    if (key !== null && this.#byTag.get(key)?.newest === ticket) this.#byTag.delete(key);
  }

  #forgetSession(ticket: number): void {
    const names = this.#names[ticket % this.#capacity] ?? null;
    if (names === null) return;
    for (const key of [names.ofSession, names.ofSite])
      if (key !== null && this.#bySession.get(key) === ticket) this.#bySession.delete(key);
  }
}

/** What a client calls an exchange by, and the keys for that in the maps: making and hashing them anew costs more than all the rest. */
class Names {
  readonly session: string | null;
  readonly tag: string | null;
  ofSession: string | null = null;
  ofSite: string | null = null;
  ofTag: string | null = null;

  constructor(session: string | null, tag: string | null) {
    this.session = session;
    this.tag = tag;
  }
}

const tagKey = (client: string, tag: string): string => `${client} ${tag}`;

const sessionKey = (client: string, session: string, site: string | null): string =>
  site === null ? `${client} ${session}` : `${client} ${session} ${site}`;
