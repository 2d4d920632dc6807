/** What one learned pick costs: `node test/bench/pick.ts [EXITS…]`. A filter by one of twenty countries, three exclusions, a site that
 *  refuses now and then, as pools grow; and the shared memory per exit, rows and lists together. */

import { EXIT_WORDS, ExitRows } from '../../src/memory/exit-rows.ts';
import { GroupTable } from '../../src/memory/group-table.ts';
import { PairTable } from '../../src/memory/pair-table.ts';
import { ProviderRows } from '../../src/memory/provider-rows.ts';
import { SiteTable } from '../../src/memory/site-table.ts';
import { ClientStandings } from '../../src/selection/client-standings.ts';
import { parametersOf } from '../../src/selection/parameters.ts';
import type { PickRequest } from '../../src/selection/request.ts';
import { Selection } from '../../src/selection/selection.ts';
import { setEngineFlags } from '../../src/workers/engine-flags.ts';
import { seededRandom } from '../support/seeded-random.ts';

const SIZES = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 10_000, 100_000, 1_000_000];
const COUNTRIES = 20;
const SITES = 400;
const WARM_EXCHANGES = 200_000;
/** A round takes 2 or 3 ms: less than a slice of a busy machine, and the system counts time of the processor by 4 ms or so. */
const PICKS = 1_000;
const ROUNDS = 600;

/** A pool of `exits`, used for a while, and requests to pick for. */
function scene(exits: number) {
  const random = seededRandom(7);
  const rows = new ExitRows(ExitRows.allocate({ rows: exits }));
  const groups = new GroupTable(GroupTable.allocate());
  const sites = new SiteTable(SiteTable.allocate());
  const selection = new Selection(
    {
      rows,
      groups,
      sites,
      pairs: new PairTable(PairTable.allocate()),
      standings: new ClientStandings(ClientStandings.allocate()),
      providers: new ProviderRows(ProviderRows.allocate()),
    },
    { parameters: parametersOf(), random },
  );
  const byCountry = Array.from({ length: COUNTRIES }, (): number[] => []);
  const countryOf = new Uint8Array(exits);
  for (let slot = 0; slot < exits; slot++) {
    const country = Math.floor(random() * COUNTRIES);
    countryOf[slot] = country;
    byCountry[country]?.push(slot);
    rows.settle(slot, { group: groups.rowOf('pool', `c${country}`, { tier: 2, pricePerGB: 4 }), now: 0 });
  }
  const siteRows = Array.from({ length: SITES }, (_, i) => sites.rowOf([i * 7919 + 5, i, 1, 1], `s${i}.example`, 0));
  const lists = byCountry.map((slots) => Int32Array.from(slots));
  const requests = Array.from({ length: 512 }, (_, i): PickRequest => {
    const country = i % COUNTRIES;
    return {
      strategy: 'learned',
      list: lists[country] ?? [],
      matches: (slot) => countryOf[slot] === country,
      excluded: Array.from({ length: 3 }, () => Math.floor(random() * exits)),
      cursor: { next: 0 },
      site: siteRows[Math.floor(SITES * random() ** 2)] ?? -1,
      ring: country,
      session: null,
      since: 0,
      retry: false,
    };
  });
  return { random, rows, selection, requests };
}

/** Exchanges that fill rings, pairs and the compiler's feedback. Returns the time at their end. */
function use({ random, rows, selection, requests }: ReturnType<typeof scene>): number {
  let now = 0;
  for (let i = 0; i < WARM_EXCHANGES; i++) {
    const request = requests[i % requests.length];
    if (request === undefined) continue;
    now += 2;
    const slot = selection.pick({ ...request, since: now }, now);
    if (slot < 0) continue;
    const at = { slot, generation: rows.take(slot) };
    const queued = selection.begin(slot, request.site, now);
    selection.ended(at, now);
    rows.giveBack(slot, at.generation);
    if (random() < 0.03) selection.failed(at, 'refused', { ms: 100, now });
    else {
      const { site, ring } = request;
      selection.arrived(at, 300 + 900 * random(), { site, rings: [ring], queued, now });
      selection.judged(at, { site, rings: [ring], served: random() > 0.02, weight: 1, retryAfterMs: null }, now);
    }
  }
  return now;
}

// As in a worker.
setEngineFlags();

for (const exits of SIZES) {
  const made = scene(exits);
  const now = use(made);
  const requests = made.requests.map((request) => ({ ...request, since: now }));
  let picked = 0;
  let us = Number.POSITIVE_INFINITY;
  // The least of many rounds is what the pick costs; the rest is what else the machine does.
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    for (let i = 0; i < PICKS; i++) {
      const request = requests[i % requests.length];
      if (request !== undefined && made.selection.pick(request, now) >= 0) picked++;
    }
    us = Math.min(us, ((performance.now() - begun) * 1_000) / PICKS);
  }
  // A slot stands in its pool's list, its country's, and on average in one of a filter asked for often.
  const octets = EXIT_WORDS * 4 + 3 * 4;
  console.log(
    `${String(exits).padStart(9)} exits  ${us.toFixed(2)} µs per pick  ${octets} octets per exit  (${picked} of ${PICKS * ROUNDS} picked)`,
  );
}
