import { setTimeout as sleep } from 'node:timers/promises';
import { type Ask, ask } from './ask.ts';
import { nameOfSession } from './names.ts';
import type { Page } from './workload.ts';

/** A page counts as failed after so long, in ms. */
export const deadlineMs = 30_000;

/** Attempts over exits that one page may take, all asks together. */
const attemptsPerPage = 3;

/** How a page went. */
export interface Crawled {
  readonly page: Page;
  /** The page itself came, and not another in its place. */
  readonly ok: boolean;
  /** From when it was wanted until it came, or was given up. */
  readonly ms: number;
  /** The request id of each ask, null where no answer had one; the last decides whether the page came. */
  readonly asks: readonly (string | null)[];
}

/** Who names the exit in place of the gateway. */
export interface Guide {
  /** The number of an exit, or -1. */
  cheapest(wish: {
    site: number;
    country: string | null;
    excluded: readonly number[];
    session: boolean;
  }): Promise<number>;
  /** The gateway's id of an exit. */
  idOf(exit: number): string;
}

/** A crawler team behind the gateway. It asks again where it sees that it was refused, under another session where it had one, and
 *  believes everything else: what was refused in disguise is a failed page. It reports nothing. */
export class Crawler {
  readonly #port: number;
  readonly #login: Ask['login'];
  readonly #guide: Guide | null;
  /** How often a session was given up and began anew. */
  readonly #turns = new Map<number, number>();
  readonly #guided = new Map<string, number>();

  constructor({ port, login, guide = null }: { port: number; login: Ask['login']; guide?: Guide | null }) {
    this.#port = port;
    this.#login = login;
    this.#guide = guide;
  }

  /** Asks for a page until it came, or attempts or time are used up. Never rejects where the guide doesn't. */
  async crawl(page: Page): Promise<Crawled> {
    const began = performance.now();
    const spentMs = () => performance.now() - began;
    const asks: (string | null)[] = [];
    const excluded: number[] = [];
    let unwanted: string | null = null;
    let left = attemptsPerPage;
    while (left > 0 && spentMs() < deadlineMs) {
      const guided = await this.#guidedExit(page, excluded);
      if (guided === -1) {
        await sleep(200);
        continue;
      }
      const parameters = this.#parameters(page, { left, unwanted, guided });
      const asked = await ask(this.#port, { page, login: this.#login, parameters, boundMs: deadlineMs - spentMs() });
      asks.push(asked.requestId);
      if (asked.kind !== 'unserved') return { page, ok: asked.kind === 'page', ms: spentMs(), asks };
      left -= asked.attempts;
      unwanted = asked.exit;
      if (guided !== null) excluded.push(guided);
      if (page.session !== null) this.#turns.set(page.session, this.#turnOf(page.session) + 1);
    }
    return { page, ok: false, ms: spentMs(), asks };
  }

  /** The user name's parameters: retries within the page's attempts, what it wants, and not the exit that was just refused. */
  #parameters(
    page: Page,
    { left, unwanted, guided }: { left: number; unwanted: string | null; guided: number | null },
  ): string {
    if (this.#guide !== null && guided !== null) return `retry-0-exit-${this.#guide.idOf(guided)}`;
    const parts = [`retry-${left - 1}`];
    if (page.country !== null) parts.push(`country-${page.country}`);
    if (page.session !== null) parts.push(`session-${nameOfSession(page.session, this.#turnOf(page.session))}-ttl-10m`);
    if (unwanted !== null) parts.push(`not-${unwanted}`);
    return parts.join('-');
  }

  /** The guide's exit, which a session keeps; null without a guide. */
  async #guidedExit(page: Page, excluded: readonly number[]): Promise<number | null> {
    if (this.#guide === null) return null;
    const { site, country, session } = page;
    const name = session === null ? null : nameOfSession(session, this.#turnOf(session));
    const held = name === null ? undefined : this.#guided.get(name);
    if (held !== undefined) return held;
    const exit = await this.#guide.cheapest({ site, country, excluded, session: session !== null });
    if (name !== null && exit >= 0) this.#guided.set(name, exit);
    return exit;
  }

  #turnOf(session: number): number {
    return this.#turns.get(session) ?? 0;
  }
}
