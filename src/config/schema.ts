import Type from 'typebox';
import { catalogue, type ErrorKind } from '../errors.ts';
import { dialects } from '../protocol/dialects.ts';
import { parseLimitRule } from '../protocol/limit-rule.ts';
import { parseQuotaRule } from '../protocol/quota-rule.ts';
import { parseExitRule, parseSiteRule } from '../protocol/site-rule.ts';
import { ledger } from './ledger-schema.ts';
import { geo, probing } from './probe-schema.ts';
import * as t from './schema-terms.ts';
import { selection } from './selection-schema.ts';
import { blockRule, guard } from './signal-schema.ts';

const port = (initial?: number) => t.whole(0, 65_535, initial);
const file = (initial?: string) => t.text('a path', undefined, initial);
const poolName = t.text('the name of a pool: 1 to 64 of a-z 0-9 . _ ~', /^[a-z0-9._~]{1,64}$/);
const clientName = t.text('the name of a client: 1 to 32 of a-z 0-9 . _', /^[a-z0-9._]{1,32}$/);

const certificate = Type.Union([Type.Literal('auto'), t.mapping({ cert: file(), key: file() })], {
  description: 'auto, or { cert: FILE, key: FILE }',
  default: 'auto',
});

const listener = t.mapping({
  name: t.text('a name: 1 to 64 of A-Z a-z 0-9 . _ -', /^[A-Za-z0-9._-]{1,64}$/),
  host: t.host('127.0.0.1'),
  port: port(),
  protocols: t.list(t.oneOf(['http', 'https', 'socks5'])),
  certificate,
  client: t.nullable('the name of a client', clientName),
  dialects: t.list(t.oneOf(dialects), []),
  replyFields: t.oneOf(['on', 'off'], 'on'),
  via: t.oneOf(['on', 'off'], 'off'),
});

const rule = Type.Refine(
  t.mapping({
    cidr: t.optional(t.cidr()),
    host: t.optional(t.host()),
    suffix: t.optional(t.suffix()),
    port: t.optional(t.portRange()),
    pool: t.optional(poolName),
  }),
  ({ cidr, host, suffix, port }) => [cidr, host, suffix, port].some((part) => part !== undefined),
  () => 'expected at least one of cidr, host, suffix, port',
);

const limitRule = t.meaning('a limit such as "requests=10/s burst=20 exchanges=50"', parseLimitRule);
const quotaRule = t.meaning('a quota such as "bytes=50GB/month"', parseQuotaRule);
const exitRule = t.meaning('a limit such as "exchanges=20" or "pool=residential exchanges=2"', parseExitRule);
const siteRule = t.meaning('a pace such as "site=shop.example requests=5/s exchanges=10"', parseSiteRule);

const limits = t.section({
  connections: t.whole(1, 1_000_000, 10_000),
  logins: t.section({
    perSource: t.whole(1, 1_000_000, 20),
    perName: t.whole(1, 1_000_000, 20),
    window: t.duration('60s', 1000),
  }),
  reports: t.section({ perClient: t.whole(1, 1_000_000, 6_000), window: t.duration('60s', 1000) }),
  clients: t.list(limitRule, []),
  quotas: t.list(quotaRule, []),
  sites: t.list(siteRule, []),
  exits: t.list(exitRule, []),
  overload: t.section({ enabled: t.flag(true), delay: t.duration('250ms', 0), after: t.duration('1s', 0) }),
  memory: t.nullable('a size such as 512MiB, from 64MiB', t.size({ least: 64 * 1024 ** 2, most: 2 ** 50 })),
});

const timeouts = t.section({
  handshake: t.duration('10s'),
  head: t.duration('15s'),
  dial: t.duration('10s'),
  attempts: t.duration('60s'),
  firstByte: t.duration('60s'),
  stall: t.duration('60s'),
  keepAlive: t.duration('300s'),
  tunnelIdle: t.duration('10m'),
  exchange: t.duration('24h'),
  drain: t.duration('30s', 0),
});

const heads = t.section({
  bytes: t.size({ least: 1024, most: 1024 ** 2, initial: 64 * 1024 }),
  startLine: t.size({ least: 256, most: 1024 ** 2, initial: 16 * 1024 }),
  fieldLine: t.size({ least: 256, most: 1024 ** 2, initial: 32 * 1024 }),
  fields: t.whole(8, 10_000, 200),
});

const exitError = t.mapping({
  field: t.text('the name of a response field', /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/),
  match: t.text('a text', /^[^\x00-\x1f\x7f]*$/, ''),
  kind: t.meaning('an error kind of an exit or an origin', (text) => {
    const known = isErrorKind(text) && ['exit', 'origin'].includes(catalogue[text].by);
    return known ? { ok: true, value: text } : { ok: false, message: 'expected an exit_… or origin_… kind' };
  }),
});

/** Where the data folder and the pool files are unless told. */
export const folders = { data: './data', pools: './pools' } as const;

/** The configuration file as it is written: every key, its form, and its default. */
export const configSchema = t.mapping({
  secrets: t.optional(file()),
  listeners: t.list(listener, [
    { name: 'mixed', port: 8080, protocols: ['http', 'https', 'socks5'] },
    { name: 'tls', port: 8443, protocols: ['https'] },
    { name: 'socks', port: 1080, protocols: ['socks5'] },
  ]),
  admin: t.section({ host: t.host('127.0.0.1'), port: port(9090) }),
  data: file(folders.data),
  pools: file(folders.pools),
  defaultPool: t.nullable('the name of a pool', poolName),
  workers: Type.Union([Type.Literal('auto'), t.whole(1, 256)], {
    description: 'auto, or a whole number from 1 to 256',
    default: 'auto',
  }),
  relay: t.section({ threads: t.whole(0, 16, 1) }),
  rules: t.section({
    allow: t.list(rule, []),
    deny: t.list(rule, []),
    browserHosts: t.oneOf(['deny', 'allow'], 'deny'),
  }),
  limits,
  timeouts,
  heads,
  exchange: t.section({
    attempts: t.whole(1, 6, 3),
    keptContent: t.size({ least: 0, most: 1024 ** 2, initial: 64 * 1024 }),
  }),
  accessLog: t.section({ file: t.nullable('a path', file()), paths: t.flag(false), enabled: t.flag(true) }),
  resolver: t.section({ servers: t.list(t.resolverServer(), []), hostsFile: file('/etc/hosts') }),
  exitErrors: t.list(exitError, []),
  blocks: t.list(blockRule, []),
  signals: t.oneOf(['on', 'off'], 'on'),
  guards: t.list(guard, []),
  ledger,
  selection,
  probe: probing,
  geo,
});

function isErrorKind(text: string): text is ErrorKind {
  return Object.hasOwn(catalogue, text);
}
