import type { RelayHealth } from '../admin/health.ts';
import type { DemoOrigins } from '../demo/origin.ts';
import { countOf } from '../protocol/count-text.ts';

export interface BannerFacts {
  readonly version: string;
  readonly pid: number;
  readonly listeners: readonly { name: string; host: string; port: number; protocols: readonly string[] }[];
  readonly admin: { readonly host: string; readonly port: number };
  readonly pools: readonly { name: string; tier: string; exits: number }[];
  readonly relay: RelayHealth;
  readonly demo: DemoOrigins | null;
  /** The demo client's secret at the first start, the only time it is shown; null later. */
  readonly demoSecret: string | null;
  /** Where the self-signed certificate lies. */
  readonly certificate: string;
}

/** What a start prints: where it listens, what it leaves by, and, while the demo runs, curl lines that work as printed. */
export function bannerLines(facts: BannerFacts): string[] {
  const lines = [`roundabout ${facts.version} serves (pid ${facts.pid})`];
  for (const { name, host, port, protocols } of facts.listeners) {
    lines.push(`  listener ${name.padEnd(8)} ${hostPort(host, port).padEnd(22)} ${protocols.join(', ')}`);
  }
  lines.push(`  admin    ${' '.repeat(8)} ${hostPort(facts.admin.host, facts.admin.port)}`);
  const { relay } = facts;
  lines.push(`  relay    ${' '.repeat(8)} ${relay.kind === 'native' ? 'native' : `in TypeScript: ${relay.why}`}`);
  for (const { name, tier, exits } of facts.pools)
    lines.push(`  pool     ${name.padEnd(8)} ${countOf(exits, 'exit')}, tier ${tier}`);
  if (facts.pools.length === 0) lines.push('  no pools yet: write one in the pools folder, then send SIGHUP');
  return facts.demo === null ? lines : [...lines, '', ...demoLines(facts, facts.demo)];
}

function demoLines(facts: BannerFacts, origins: DemoOrigins): string[] {
  const { demoSecret, certificate } = facts;
  const secret = demoSecret ?? 'SECRET';
  const first =
    demoSecret === null ? [] : [`client demo, secret ${demoSecret} (shown this once; from this machine only)`];
  const replaced =
    demoSecret === null
      ? ['  put the secret in the place of SECRET; a new one: npx roundabout client rotate demo']
      : [];
  const proxyFor = (protocol: string) => facts.listeners.find(({ protocols }) => protocols.includes(protocol));
  const http = proxyFor('http');
  const tls =
    facts.listeners.find(({ protocols }) => protocols.length === 1 && protocols[0] === 'https') ?? proxyFor('https');
  const socks = proxyFor('socks5');
  const curls: string[] = [];
  if (http !== undefined) {
    const proxy = `-x http://demo:${secret}@${hostPort(http.host, http.port)}`;
    curls.push(`curl ${proxy} ${origins.http}/`);
    curls.push(`curl ${proxy} --cacert ${certificate} ${origins.https}/`);
    curls.push(`curl -x http://demo-session-cart42:${secret}@${hostPort(http.host, http.port)} ${origins.http}/`);
    curls.push(`curl ${proxy} http://roundabout.internal/echo`);
  }
  if (tls !== undefined) {
    const proxy = `--proxy https://demo:${secret}@${hostPort(tls.host, tls.port)}`;
    curls.push(`curl ${proxy} --proxy-cacert ${certificate} ${origins.http}/`);
  }
  if (socks !== undefined)
    curls.push(`curl -x socks5h://demo:${secret}@${hostPort(socks.host, socks.port)} ${origins.http}/`);
  return [
    ...first,
    'try (exits take turns; a session keeps its own):',
    ...replaced,
    ...curls.map((curl) => `  ${curl}`),
  ];
}

function hostPort(host: string, port: number): string {
  const shown = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return shown.includes(':') ? `[${shown}]:${port}` : `${shown}:${port}`;
}
