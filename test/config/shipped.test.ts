import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import { crossCheck, exposureWarnings } from '../../src/config/cross-check.ts';
import { formatFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readPoolFolder } from '../../src/config/pool-folder.ts';
import { configSchema } from '../../src/config/schema.ts';

const root = resolve(import.meta.dirname, '..', '..');

function shipped(name: string) {
  const result = loadConfig(join(root, 'config', name), { env: {} });
  if (!result.ok) throw new Error(result.faults.map(formatFault).join('\n'));
  return result;
}

test('config/roundabout.yaml serves the demo pool on this machine alone', (t) => {
  const loaded = shipped('roundabout.yaml');
  const { files, faults, warnings } = readPoolFolder(loaded.config.pools, loaded);
  t.deepEqual([faults, warnings, crossCheck(loaded, files), exposureWarnings(loaded)], [[], [], [], []]);
  t.is(loaded.config.folder, root);
  t.is(loaded.config.defaultPool, 'demo');
  t.true(loaded.config.listeners.every(({ host }) => host === '127.0.0.1'));
  t.true(loaded.config.rules.allow.every(({ pool }) => pool === 'demo'));
  t.like(files[0], { name: 'demo', tier: 'res', strategy: 'round-robin' });
  t.like(files[0]?.entries[0], { kind: 'demo', counts: { http: 3, https: 2, socks5: 3 } });
});

test('what config/roundabout.yaml spells out are the defaults', (t) => {
  const { listeners, timeouts, limits, heads, exchange, selection, accessLog, resolver } =
    shipped('roundabout.yaml').config;
  const empty = loadConfig('f.yaml', { env: {}, readText: () => '' });
  t.true(empty.ok);
  if (empty.ok) t.like(empty.config, { listeners, timeouts, limits, heads, exchange, selection, accessLog, resolver });
});

test('config/roundabout.yaml names every key that there is', (t) => {
  const text = readFileSync(join(root, 'config', 'roundabout.yaml'), 'utf8');
  const nameless = keysOf(configSchema).filter((key) => !new RegExp(`\\b${key}\\b`).test(text));
  t.deepEqual(nameless, []);
});

/** The keys of a document of this schema, at any depth; those of `selection` have a file of their own. */
function keysOf(schema: object): string[] {
  const {
    properties = {},
    items,
    anyOf = [],
  } = schema as {
    readonly properties?: Readonly<Record<string, object>>;
    readonly items?: object;
    readonly anyOf?: readonly object[];
  };
  const own = Object.entries(properties).flatMap(([key, value]) => [
    key,
    ...(key === 'selection' ? [] : keysOf(value)),
  ]);
  return [...own, ...(items === undefined ? anyOf : [items, ...anyOf]).flatMap(keysOf)];
}

test('config/container.yaml is open to the network, and opens nothing inside', (t) => {
  const loaded = shipped('container.yaml');
  t.deepEqual(exposureWarnings(loaded), []);
  t.deepEqual(loaded.config.rules.allow, []);
  t.is(loaded.config.defaultPool, null);
  t.true(loaded.config.listeners.every(({ host }) => host === '0.0.0.0'));
  t.is(loaded.config.admin.host, '127.0.0.1');
  t.is(loaded.config.data, '/data');
  t.is(loaded.config.pools, '/data/pools');
});
