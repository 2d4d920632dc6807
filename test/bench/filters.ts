/** By hand: what filters by place cost at a million exits, the first time and afterwards.
 *
 *    node test/bench/filters.ts [exits] [places]
 *
 *  Each exit stands in one of so many places (city, zip, network, provider), half of them in one country. Prints one table: what an
 *  exchange pays when it asks by a filter for the first time, when it draws again, and when it must know that there is none. */
import { PoolCatalogue } from '../../src/pool/catalogue.ts';
import type { ExitDraft } from '../../src/pool/exit-draft.ts';
import type { ExitTerms } from '../../src/pool/exit-terms.ts';
import { type ExitFilter, PoolRegistry } from '../../src/pool/registry.ts';

const exits = Number(process.argv[2] ?? 1_000_000);
const places = Number(process.argv[3] ?? 30_000);

const terms = Array.from({ length: places }, (_, i): ExitTerms => {
  const country = i % 2 === 0 ? 'us' : ['de', 'fr', 'gb', 'in', 'br'][i % 5]!;
  const geo = {
    country,
    city: `City ${i >> 2}`,
    zip: String(10_000 + (i >> 1)),
    asn: String(i % 4_000),
    isp: `Provider ${i % 300}`,
  };
  const plain = { name: null, verifyTls: true, ca: null, dns: 'remote', ip: null, template: null } as const;
  return { pool: 'p', tier: 'res', scheme: 'http', geo, ...plain };
});

const catalogue = new PoolCatalogue();
const staged = catalogue.stage({
  pools: [
    {
      name: 'p',
      tier: 'res',
      price: null,
      strategy: 'learned',
      // biome-ignore lint/correctness/useYield: it is made in one step.
      *drafts(sink: (draft: ExitDraft) => void) {
        for (let i = 0; i < exits; i++)
          sink({
            terms: terms[(i * 7919) % places]!,
            facts: { host: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, port: 1 },
            session: 0,
            label: '',
          });
        return [];
      },
      faultAt: (message) => ({ file: '', line: 1, column: 1, path: '', message }),
    },
  ],
  faults: [],
});
const begun = performance.now();
const { record } = catalogue.commit(staged);
console.log(`${exits} exits in ${places} places; commit ${(performance.now() - begun).toFixed(0)} ms`);

const pools = ['p'];
const filters: Readonly<Record<string, ExitFilter>> = {
  country: { pools, country: ['us'] },
  city: { pools, city: 'City 77' },
  'country and city': { pools, country: ['us'], city: 'City 77' },
  'zip in a country': { pools, country: ['us'], zip: '10200' },
  asn: { pools, asn: '78' },
  'country and asn': { pools, country: ['us'], asn: '78' },
  isp: { pools, isp: 'Provider 8' },
  'city and isp that never meet': { pools, city: 'City 77', isp: 'Provider 299' },
  'city that is nowhere': { pools, city: 'Atlantis' },
};

const registryFor = () => {
  const wanted: ExitFilter[] = [];
  return { registry: new PoolRegistry(record, { wantList: (filter) => wanted.push(filter) }), wanted };
};

const usOf = (work: () => unknown): string => {
  const start = performance.now();
  work();
  return ((performance.now() - start) * 1000).toFixed(0);
};

// The code is hot, the filter is new.
for (let round = 0; round < 3; round++) {
  const { registry } = registryFor();
  for (const filter of Object.values(filters)) {
    registry.drawFrom(filter);
    registry.candidates(filter);
    registry.accountOf(filter);
  }
}
const rows = Object.entries(filters).map(([name, filter]) => {
  const { registry, wanted } = registryFor();
  registry.drawFrom({ pools });
  const first = usOf(() => registry.drawFrom(filter));
  const { count, exact, list } = registry.drawFrom(filter);
  const again = usOf(() => {
    for (let i = 0; i < 1000; i++) registry.drawFrom(filter);
  });
  const asked = wanted.length > 0;
  const made = usOf(() => catalogue.listOf(filter));
  const fresh = registryFor().registry;
  const none = usOf(() => fresh.candidates(filter));
  const why = usOf(() => registryFor().registry.accountOf(filter));
  return {
    filter: name,
    pass: count,
    exact,
    drawnFrom: list.length,
    'first ask µs': first,
    'again ns': again,
    'asks for a list': asked,
    'made by control µs': made,
    'whole list here µs': none,
    'why none µs': why,
  };
});
console.table(rows);
