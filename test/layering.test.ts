import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'ava';

const root = new URL('../src/', import.meta.url).pathname;

/** Each folder or file of src and its layer: imports point down, and siblings of layer 1 don't know each other. */
const layers: Readonly<Record<string, number>> = {
  'errors.ts': 0,
  'system-code.ts': 0,
  memory: 0,
  protocol: 0,
  selection: 0,
  config: 1,
  ledger: 1,
  pool: 1,
  policy: 1,
  signals: 1,
  store: 1,
  transport: 1,
  telemetry: 1,
  native: 1,
  gateway: 2,
  listener: 3,
  admin: 3,
  threads: 4,
  'data-plane': 5,
  keeping: 5,
  sources: 5,
  workers: 6,
  probing: 7,
  demo: 8,
  metrics: 8,
  startup: 9,
  'main.ts': 10,
  'worker.ts': 10,
  cli: 11,
};

/** From here on it is composition: what all threads share first, the life of the process last. */
const COMPOSITION = 4;

/** The one file (or, ending in /, the folders) that may import a third-party package. */
const packages: Readonly<Record<string, string | readonly string[]>> = {
  '@peculiar/x509': 'listener/self-signed.ts',
  'better-sqlite3': 'store/',
  bottleneck: ['startup/reloads.ts', 'probing/prober.ts', 'sources/host-pace.ts'],
  commander: 'cli/program.ts',
  'ip-cidr': 'config/cidr.ts',
  'mmdb-lib': 'probing/geo-databases.ts',
  pino: 'telemetry/access-log.ts',
  'proxy-chain': 'demo/http-exit.ts',
  socksv5: 'demo/socks-exit.ts',
  tldts: 'signals/sites.ts',
  typebox: ['config/', 'admin/'],
  yaml: ['config/', 'pool/list-formats/'],
};

const socketModules = new Set(['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises']);
const socketFolders = new Set(['transport', 'listener', 'admin']);

interface Import {
  readonly file: string;
  readonly names: string;
  readonly from: string;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /\.[jt]s$/.test(file));
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const isOfTypes = (names: string): boolean => names.startsWith('type ');
const part = (file: string): string => file.split('/')[0] ?? '';

const imports: readonly Import[] = files.flatMap((file) =>
  [...textOf(file).matchAll(/^(?:import|export)\s([^'";]*?from\s+)?'([^']+)'/gms)].map(([, names = '', from = '']) => ({
    file,
    names,
    from,
  })),
);

test('every folder has a layer', (t) => {
  const unknown = files.map(part).filter((name) => layers[name] === undefined);
  t.deepEqual([...new Set(unknown)], []);
});

test('imports point down only', (t) => {
  const wrong = imports.filter(({ file, from }) => {
    if (!from.startsWith('.')) return false;
    const here = part(file);
    const there = part(relative(root, join(root, dirname(file), from)));
    if (here === there) return false;
    const [mine = -1, theirs = 99] = [layers[here], layers[there]];
    if (mine === 0)
      return !(there === 'errors.ts' || (here === 'selection' && (there === 'protocol' || there === 'memory')));
    return theirs >= mine;
  });
  t.deepEqual(wrong, []);
});

test('no file needs what needs it, types apart', (t) => {
  const needs = new Map<string, string[]>();
  for (const { file, names, from } of imports) {
    if (!from.startsWith('.') || isOfTypes(names)) continue;
    needs.set(file, [...(needs.get(file) ?? []), relative(root, join(root, dirname(file), from))]);
  }
  const reach = (file: string, seen = new Set<string>()): Set<string> => {
    for (const next of needs.get(file) ?? []) if (!seen.has(next)) reach(next, seen.add(next));
    return seen;
  };
  t.deepEqual(
    files.filter((file) => reach(file).has(file)),
    [],
  );
});

test('each third-party package is imported in one place', (t) => {
  const wrong = imports.filter(({ file, from }) => {
    if (from.startsWith('.') || from.startsWith('node:')) return false;
    const name = from
      .split('/')
      .slice(0, from.startsWith('@') ? 2 : 1)
      .join('/');
    return ![packages[name] ?? []]
      .flat()
      .some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place));
  });
  t.deepEqual(wrong, []);
});

test('only those who dial or listen make sockets', (t) => {
  const wrong = imports.filter(({ file, from, names }) => {
    if (!from.startsWith('node:') || !socketModules.has(from.slice(5))) return false;
    const isAllowed = socketFolders.has(part(file)) || (layers[part(file)] ?? 0) >= COMPOSITION;
    if (isAllowed || names.startsWith('type ')) return false;
    // Address syntax is pure.
    const bindings = names.replace(/from\s*$/, '').replace(/[{}\s]/g, '');
    return (
      !names.startsWith('{') || bindings.split(',').some((name) => !/^(isIP(v[46])?|BlockList|typeSocket|)$/.test(name))
    );
  });
  t.deepEqual(wrong, []);
});

test('clock, chance and environment come in as arguments below composition', (t) => {
  const wrong = files.filter(
    (file) =>
      (layers[part(file)] ?? 0) < COMPOSITION &&
      /\b(Date\.now|performance\.now|Math\.random|process\.env)\b/.test(textOf(file)),
  );
  t.deepEqual(wrong, []);
});

test('Buffer is imported where it is used: the global one is a getter, which optimized code calls each time', (t) => {
  const uses = files.filter((file) => /\bBuffer\.(from|alloc|concat|byteLength|isBuffer|compare)/.test(textOf(file)));
  const wrong = uses.filter((file) => !imports.some((one) => one.file === file && one.from === 'node:buffer'));
  t.deepEqual(wrong, []);
});
