import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import type { GatewayError } from '../errors.ts';
import { type ProbeResult, type ProbeTools, probe } from '../gateway/probe/probe.ts';
import { worstProbeCost } from '../gateway/probe/probe-cost.ts';
import { AddressRules } from '../policy/address-rules.ts';
import type { BoundAddress } from '../policy/own-addresses.ts';
import type { Exit } from '../pool/exit.ts';
import { type ProbeTarget, parseProbeTarget } from '../protocol/probe-target.ts';
import type { AbortView } from '../transport/abort.ts';
import { createDialler } from '../transport/dial.ts';
import { createResolver, type Resolver } from '../transport/resolver.ts';
import type { ProbePage } from './probe-page.ts';

/** One query for a name may take so long, in ms. */
const NAME_QUERY_MS = 5_000;

/** How often the machine's own addresses are looked up again, in ms. */
const LOOK_MS = 30_000;

/** What an exit is asked, unless an operator names a target:
 *
 *  - `local`: our own page over loopback, for exits on this machine;
 *  - `public`: our own page at the address by which the world reaches it;
 *  - `handshake`: what the exit's endpoint itself answers, for exits that can't reach us. */
export type BuiltinTarget = 'local' | 'public' | 'handshake';

export interface ProbeOrder {
  /** An operator's target; null for what can be asked without a service of others. */
  readonly target: ProbeTarget | null;
  readonly deadlineMs: number;
  readonly signal?: AbortView;
}

export interface ProbeDeskOptions {
  readonly config: () => Config;
  /** Null where none could be bound: then exits are asked for a handshake. */
  readonly page: ProbePage | null;
  /** Sockets of ours that no probe may reach. */
  readonly own: () => { readonly listeners: readonly BoundAddress[]; readonly admin: readonly BoundAddress[] };
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** Probes exits for whoever asks: with a resolver and a dialler of its own, by the rules about our own addresses. */
export class ProbeDesk {
  readonly #options: ProbeDeskOptions;
  readonly #resolver: Resolver;
  readonly #tools: Omit<ProbeTools, 'heads' | 'exitErrors'>;
  #rules: AddressRules | null = null;
  #rulesAt = 0;

  constructor(options: ProbeDeskOptions) {
    const { now } = options;
    const { servers, hostsFile } = options.config().resolver;
    this.#options = options;
    this.#resolver = createResolver({ now, random: Math.random, servers, hostsFile, timeoutMs: NAME_QUERY_MS });
    const dialler = createDialler({ resolver: this.#resolver, mayLoop: () => false });
    this.#tools = { dialler, now, judge: (address, port) => this.#judge(address, port) };
  }

  /** What the exit is asked without a target of the operator's. */
  builtinFor({ endpoint }: Exit): BuiltinTarget {
    const { page, config } = this.#options;
    if (page === null) return 'handshake';
    if (endpoint.scheme === 'direct' || isLoopback(endpoint.host)) return 'local';
    return config().probe.publicUrl === null ? 'handshake' : 'public';
  }

  /** The most octets that such a probe of the exit can cost. */
  worstCost(exit: Exit, target: ProbeTarget | null): number {
    if (target !== null) return worstProbeCost(target);
    return worstProbeCost(this.builtinFor(exit) === 'handshake' ? { kind: 'handshake' } : pageAt('http://localhost/'));
  }

  /** Probes the exit. Rejects with the reason of `signal` alone. */
  async probe(exit: Exit, { target, deadlineMs, signal }: ProbeOrder): Promise<ProbeResult> {
    const { heads, exitErrors } = this.#options.config();
    const tools: ProbeTools = { ...this.#tools, heads, exitErrors };
    const { endpoint, verifyTls, ca, dns } = exit;
    const order = { exit: { endpoint, verifyTls, ca, dns }, deadlineMs, signal };
    if (target !== null) return probe(tools, { ...order, target });
    const builtin = this.builtinFor(exit);
    const { page, config } = this.#options;
    if (builtin === 'handshake' || page === null) return probe(tools, { ...order, target: { kind: 'handshake' } });
    const visit = await page.announce();
    try {
      const local = `http://${isIP(page.host) === 6 ? `[${page.host}]` : page.host}:${page.port}`;
      const base =
        builtin === 'public'
          ? (config().probe.publicUrl ?? local)
          : local.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
      const result = await probe(tools, { ...order, target: pageAt(`${base}${visit.path}`) });
      return result.kind === 'ok' ? witnessed(result, visit.seen(), builtin) : result;
    } finally {
      visit.close();
    }
  }

  close(): void {
    this.#resolver.close();
  }

  #judge(address: string, port: number): GatewayError | null {
    const { now, own } = this.#options;
    if (this.#rules === null || now() - this.#rulesAt > LOOK_MS) {
      const interfaces = Object.values(networkInterfaces());
      const local = interfaces.flatMap((entries) => (entries ?? []).map(({ address }) => address));
      this.#rules = new AddressRules({ rules: this.#options.config().rules, own: { ...own(), local } });
      this.#rulesAt = now();
    }
    return this.#rules.judgeEndpoint(address, port);
  }
}

/** What we saw ourselves counts, not what the answer says. Where a proxy of the operator's stands before our page nobody but the
 *  answer can tell, and its address is no exit's. */
function witnessed(result: ProbeResult, address: string | null, builtin: BuiltinTarget): ProbeResult {
  if (address === null) {
    const detail = 'the exit made up the answer: nobody came for the page';
    return { ...result, kind: 'exit_rejected', detail, stage: 'exit', seen: null };
  }
  const isTold = builtin === 'public' && !isLoopback(address);
  return { ...result, seen: isTold ? { address, country: null, asn: null } : null };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function pageAt(url: string): ProbeTarget {
  const target = parseProbeTarget(url);
  return target.ok ? target.value : { kind: 'handshake' };
}
