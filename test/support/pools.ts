import { PoolCatalogue } from '../../src/pool/catalogue.ts';
import type { Strategy } from '../../src/pool/exit.ts';
import type { ExitDraft } from '../../src/pool/exit-draft.ts';
import type { ExitTerms } from '../../src/pool/exit-terms.ts';
import type { PoolSource, PoolSources } from '../../src/pool/pool-builder.ts';
import { PoolRegistry } from '../../src/pool/registry.ts';
import { specOfUrl } from '../../src/pool/template-spec.ts';
import type { Geo } from '../../src/protocol/places.ts';

/** An exit of a test's pool: an HTTP proxy on port 1 of `host`, unless told. */
export interface TestExit extends Partial<Omit<ExitTerms, 'pool'>> {
  readonly host: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
}

/** A pool with these exits. */
export function poolOf(name: string, exits: readonly TestExit[], strategy: Strategy = 'random'): PoolSource {
  return {
    name,
    tier: 'res',
    price: null,
    strategy,
    *drafts(sink) {
      for (const exit of exits) {
        sink(draftOf(name, exit));
        yield;
      }
      return [];
    },
    faultAt: (message) => ({ file: name, line: 1, column: 1, path: 'exits', message }),
  };
}

export const sourcesOf = (...pools: PoolSource[]): PoolSources => ({ pools, faults: [] });

/** A registry over these pools, and the catalogue it reads. `apply` swaps them for others. */
export function registryOf(...pools: PoolSource[]) {
  const catalogue = new PoolCatalogue();
  const registry = new PoolRegistry(catalogue.record);
  const apply = (...next: PoolSource[]) => {
    const { record, changes } = catalogue.commit(catalogue.stage(sourcesOf(...next)));
    registry.take(record);
    return { added: [...changes.added], removed: [...changes.removed], kept: changes.kept };
  };
  apply(...pools);
  return { catalogue, registry, apply };
}

/** What the terms of exits say that are minted from a template URL for these places. */
export function templateOf(url: string, values: Geo): NonNullable<ExitTerms['template']> {
  const spec = specOfUrl(url);
  if (!spec.ok) throw new Error(spec.fault.detail);
  return { text: JSON.stringify(spec.value), values: JSON.stringify(values) };
}

/** How the source of this pool hands it over. */
export function draftOf(pool: string, { host, port = 1, username, password, ...terms }: TestExit): ExitDraft {
  return {
    terms: {
      pool,
      tier: 'res',
      scheme: 'http',
      name: null,
      verifyTls: true,
      ca: null,
      dns: 'remote',
      ip: null,
      geo: {},
      template: null,
      ...terms,
    },
    facts: { host, port, ...(username === undefined ? {} : { username, password: password ?? '' }) },
    session: 0,
    label: '',
  };
}
