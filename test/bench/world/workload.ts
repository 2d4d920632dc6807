import { exponential, type Random, streamOf, weighted } from './draws.ts';
import type { WorldSpec } from './spec.ts';

/** A page that a crawler wants. */
export interface Page {
  readonly number: number;
  /** Ms since the run began. */
  readonly at: number;
  readonly site: number;
  /** Where the exit shall stand; null: anywhere. */
  readonly country: string | null;
  /** Pages of one session want one exit. */
  readonly session: number | null;
  /** By CONNECT and TLS; otherwise forwarded. */
  readonly tunnel: boolean;
}

interface Session {
  readonly number: number;
  readonly site: number;
  readonly country: string | null;
  pagesLeft: number;
}

/** `count` pages, as a Poisson stream over sites of Zipf's popularity: the same for the same seed, whatever becomes of them. */
export function drawPages({ sites, traffic }: WorldSpec, { count, seed }: { count: number; seed: number }): Page[] {
  const random = streamOf(seed, 7);
  const popularity = Array.from({ length: sites.count }, (_, rank) => 1 / (rank + 1) ** sites.zipf);
  const place = () => ({
    site: weighted(random, popularity),
    country:
      traffic.countries[
        weighted(
          random,
          traffic.countries.map(({ weight }) => weight),
        )
      ]?.code ?? null,
  });
  const next = drawSessions(random, { count: traffic.sessions, pages: traffic.sessionPages, place });
  let at = 0;
  return Array.from({ length: count }, (_, number) => {
    at += exponential(random, 1_000 / traffic.perSecond);
    const tunnel = random() < traffic.tunnelShare;
    if (random() >= traffic.sessionShare) return { number, at, tunnel, session: null, ...place() };
    const { site, country, number: session } = next();
    return { number, at, tunnel, session, site, country };
  });
}

/** The session of the next page that belongs to one. Sessions end after some pages, and others take their place. */
function drawSessions(
  random: Random,
  { count, pages, place }: { count: number; pages: number; place: () => { site: number; country: string | null } },
): () => Session {
  let opened = 0;
  const open = (): Session => ({ number: opened++, ...place(), pagesLeft: 1 + Math.floor(exponential(random, pages)) });
  const sessions = Array.from({ length: count }, open);
  return () => {
    const index = Math.floor(random() * sessions.length);
    const known = sessions[index];
    const session = known === undefined || known.pagesLeft === 0 ? open() : known;
    sessions[index] = session;
    session.pagesLeft--;
    return session;
  };
}
