import type { SlotRef } from './site-signals.ts';

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

interface Entry extends RecentExchange {
  site: string;
  /** Its keys, kept because making and hashing them anew costs more than all the rest. */
  sessionKeys: readonly string[];
  readonly tagKey: string | null;
  /** When it ended; null while it runs. */
  endedAt: number | null;
  reported: boolean;
}

/** The newest exchange with a tag, and the one before. */
interface Tagged {
  newest: Entry;
  former: Entry | null;
}

const nothing: RecentFinding = Object.freeze({ exchange: null, ambiguous: false });

/** The last exchanges that an exit served, running ones included, in a ring, so that their number is bounded. Names that clients
 *  chose are keys of maps, joined by a space, which none of them can hold. */
export class RecentExchanges {
  readonly #capacity: number;
  readonly #ring: Entry[] = [];
  #next = 0;
  readonly #byId = new Map<string, Entry>();
  /** The newest of (client, session), and of (client, session, site). */
  readonly #bySession = new Map<string, Entry>();
  readonly #byTag = new Map<string, Tagged>();

  constructor({ capacity = CAPACITY }: { readonly capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  /** Entries of all maps, for tests of memory. */
  get size(): number {
    return this.#byId.size + this.#bySession.size + this.#byTag.size;
  }

  /** An exit serves the exchange from now on. */
  add(exchange: RecentExchange): void {
    const oldest = this.#ring[this.#next];
    if (oldest !== undefined) this.#forget(oldest);
    const entry = entryOf(exchange);
    this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#capacity;
    this.#byId.set(entry.id, entry);
    for (const key of entry.sessionKeys) this.#bySession.set(key, entry);
    const { tagKey } = entry;
    if (tagKey !== null) this.#byTag.set(tagKey, { newest: entry, former: this.#byTag.get(tagKey)?.newest ?? null });
  }

  /** The exchange has ended: the time for reports begins. Nothing happens where it was never added. */
  ended(id: string, now: number): void {
    const entry = this.#byId.get(id);
    if (entry !== undefined) entry.endedAt = now;
  }

  /** Its site has turned out to be another. */
  rename(id: string, site: string): void {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.site === site) return;
    this.#forgetSession(entry);
    entry.site = site;
    entry.sessionKeys = sessionKeysOf(entry);
    for (const key of entry.sessionKeys) this.#bySession.set(key, entry);
  }

  /** What `query` names, as long as a report may be about it. */
  find(query: RecentQuery, now: number): RecentFinding {
    if (query.by === 'tag') return this.#findTag(`${query.client} ${query.tag}`, now);
    const entry =
      query.by === 'id'
        ? this.#byId.get(query.id)
        : this.#bySession.get(sessionKey(query.client, query.session, query.site));
    if (entry === undefined || isOver(entry, now)) return nothing;
    const isTheirs = query.client === null || entry.client === query.client;
    return isTheirs ? { exchange: entry, ambiguous: false } : nothing;
  }

  /** Marks an exchange as reported. False where it already was, or is forgotten. */
  claim(id: string, now: number): boolean {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.reported || isOver(entry, now)) return false;
    entry.reported = true;
    return true;
  }

  #findTag(key: string, now: number): RecentFinding {
    const tagged = this.#byTag.get(key);
    if (tagged === undefined || isOver(tagged.newest, now)) return nothing;
    const ambiguous = tagged.former !== null && !isOver(tagged.former, now);
    return { exchange: tagged.newest, ambiguous };
  }

  #forget(entry: Entry): void {
    if (this.#byId.get(entry.id) === entry) this.#byId.delete(entry.id);
    this.#forgetSession(entry);
    const { tagKey } = entry;
    const tagged = tagKey === null ? undefined : this.#byTag.get(tagKey);
    if (tagged?.former === entry) tagged.former = null;
    if (tagged?.newest === entry && tagKey !== null) this.#byTag.delete(tagKey);
  }

  #forgetSession(entry: Entry): void {
    for (const key of entry.sessionKeys) if (this.#bySession.get(key) === entry) this.#bySession.delete(key);
  }
}

const isOver = ({ endedAt }: Entry, now: number): boolean => endedAt !== null && now - endedAt > KEPT_MS;

const sessionKey = (client: string, session: string, site: string | null): string =>
  site === null ? `${client} ${session}` : `${client} ${session} ${site}`;

/** Those of the session alone, and of the session at the site. */
function sessionKeysOf({ client, session, site }: RecentExchange): readonly string[] {
  return session === null ? noKeys : [sessionKey(client, session, null), sessionKey(client, session, site)];
}

const noKeys: readonly string[] = Object.freeze([]);

function entryOf(exchange: RecentExchange): Entry {
  const { id, client, session, tag, site, exit, at, startedAt } = exchange;
  return {
    id,
    client,
    session,
    tag,
    site,
    exit,
    at,
    startedAt,
    sessionKeys: sessionKeysOf(exchange),
    tagKey: tag === null ? null : `${client} ${tag}`,
    endedAt: null,
    reported: false,
  };
}
