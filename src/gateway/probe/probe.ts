import type { Duplex } from 'node:stream';
import { asGatewayError, type ErrorKind, GatewayError } from '../../errors.ts';
import { formatAuthority } from '../../protocol/authority.ts';
import { formatBasic } from '../../protocol/credentials.ts';
import { exitErrorOf } from '../../protocol/exit-errors.ts';
import type { PageTarget, ProbeTarget } from '../../protocol/probe-target.ts';
import { readSeen, type SeenFacts } from '../../protocol/seen-facts.ts';
import type { AbortView } from '../../transport/abort.ts';
import { Cutoff } from '../../transport/cutoff.ts';
import type { Dialler } from '../../transport/dial.ts';
import { Handshake } from '../../transport/handshake.ts';
import type { HttpTunnelOptions } from '../../transport/http-tunnel.ts';
import { MeteredStream } from '../../transport/metered-stream.ts';
import { loginBySocks5 } from '../../transport/socks5-tunnel.ts';
import { authorityFor, confirmTunnel, type Judge, type TunnelExit } from '../../transport/tunnel.ts';
import { readContent, readFinalHead } from './probe-answer.ts';
import { allowanceOf } from './probe-cost.ts';
import { dialMetered } from './probe-dial.ts';

/** How long a peer is given to say goodbye after a probe, so that all it sends is counted. */
const LINGER_MS = 1_000;

/** What probes are made with. */
export interface ProbeTools extends HttpTunnelOptions {
  readonly dialler: Dialler;
  /** The verdict on the addresses of exits and targets: none of ours may be reached. */
  readonly judge: (address: string, port: number) => GatewayError | null;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

export interface ProbeRequest {
  readonly exit: TunnelExit & { readonly dns: 'local' | 'remote' };
  readonly target: ProbeTarget;
  /** For all of it but the goodbye, in ms: an answer that comes later is none. */
  readonly deadlineMs: number;
  readonly signal?: AbortView;
}

/** Steps of a probe that took time, in ms. */
export interface ProbePhases {
  dial?: number;
  /** TLS with the exit. */
  tls?: number;
  /** The exit's own handshake, up to its confirmation. */
  tunnel?: number;
  /** TLS with the target, through the exit. */
  targetTls?: number;
  /** From the request to the head of the answer. */
  answer?: number;
}

/** How a probe ended. */
export interface ProbeResult {
  /** `ok`, or why not, by the catalogue. */
  readonly kind: 'ok' | ErrorKind;
  readonly detail: string | null;
  /** What it asked of the exit, see ProbeTarget. */
  readonly asked: ProbeTarget['kind'];
  /** Where it ended: until the exit has done its own part all that fails is the exit's; afterwards it may be the target's. */
  readonly stage: 'exit' | 'target';
  readonly phases: ProbePhases;
  /** From its beginning to what was asked for (the head of the page, the confirmation), or to its failure, in ms. */
  readonly ms: number;
  /** Octets on the wire to the exit, all of them above TCP. */
  readonly sent: number;
  readonly received: number;
  /** Octets to book: what was counted, and all that may have come where the exit had to be cut. */
  readonly cost: number;
  /** The status that the page was answered with. */
  readonly status: number | null;
  /** The status by which the exit refused to open a tunnel. */
  readonly receivedStatus?: number;
  /** What the page told of who asked for it. */
  readonly seen: SeenFacts | null;
}

/** An exchange without a client: one attempt over one exit, by the way of live traffic, but with every octet counted and bounded
 *  (see worstProbeCost). All that fails is told in the result; rejects with the reason of `signal` alone. When it settles nothing
 *  is left open. */
export async function probe(tools: ProbeTools, request: ProbeRequest): Promise<ProbeResult> {
  const run = new ProbeRun(tools, request);
  const result = await run.run();
  if (request.signal?.aborted) throw request.signal.reason;
  return result;
}

type Outcome = Pick<ProbeResult, 'kind' | 'detail' | 'receivedStatus'>;

class ProbeRun {
  readonly #tools: ProbeTools;
  readonly #request: ProbeRequest;
  readonly #startedAt: number;
  readonly #phases: ProbePhases = {};
  readonly #cutoff: Cutoff;
  #phaseAt: number;
  #line: MeteredStream | null = null;
  #stage: ProbeResult['stage'] = 'exit';
  #status: number | null = null;
  #seen: SeenFacts | null = null;
  #answeredMs: number | null = null;

  constructor(tools: ProbeTools, request: ProbeRequest) {
    this.#tools = tools;
    this.#request = request;
    this.#startedAt = tools.now();
    this.#phaseAt = this.#startedAt;
    this.#cutoff = new Cutoff(request.deadlineMs, request.signal);
  }

  async run(): Promise<ProbeResult> {
    const outcome = await this.#attempt();
    const ms = this.#answeredMs ?? this.#tools.now() - this.#startedAt;
    this.#cutoff.close();
    await this.#line?.settle(LINGER_MS);
    const [sent, received, cost] = [this.#line?.sent ?? 0, this.#line?.received ?? 0, this.#line?.cost ?? 0];
    const [asked, stage, phases, status, seen] = [
      this.#request.target.kind,
      this.#stage,
      this.#phases,
      this.#status,
      this.#seen,
    ];
    return { ...outcome, asked, stage, phases, ms, sent, received, cost, status, seen };
  }

  async #attempt(): Promise<Outcome> {
    try {
      await this.#go();
      return { kind: 'ok', detail: null };
    } catch (cause) {
      const exceeded = this.#line?.exceeded === true;
      const detail = 'the exit sent more than a probe may cost';
      const fault = exceeded ? new GatewayError('exit_rejected', { detail, cause }) : asGatewayError(cause);
      const { receivedStatus } = fault;
      return {
        kind: this.#blamed(fault.kind),
        detail: fault.detail,
        ...(receivedStatus !== undefined && { receivedStatus }),
      };
    }
  }

  async #go(): Promise<void> {
    const { exit, target } = this.#request;
    const { endpoint } = exit;
    const isDirect = endpoint.scheme === 'direct';
    if (isDirect && target.kind === 'handshake') return this.#answered();
    const line = await this.#dial();
    this.#ended('dial');
    const way = endpoint.scheme === 'https' ? await this.#secureExit(line) : line;
    if (target.kind === 'handshake') return this.#greet(way);
    if (target.kind === 'tunnel') {
      if (!isDirect) await this.#openTunnel(way, target.authority);
      return this.#answered();
    }
    await this.#fetch(way, target);
  }

  async #dial(): Promise<MeteredStream> {
    const { exit, target, deadlineMs, signal } = this.#request;
    const { endpoint } = exit;
    const place = endpoint.scheme === 'direct' && target.kind !== 'handshake' ? target.authority : endpoint;
    const blame = endpoint.scheme === 'direct' ? 'origin' : 'exit';
    const { judge } = this.#tools;
    const judged: Judge = (address) => judge(address, place.port);
    const raw = await dialMetered(this.#tools, {
      host: place.host,
      port: place.port,
      ...(endpoint.scheme === 'direct' &&
        endpoint.host !== '' && { from: endpoint.host, family: ownFamily(endpoint.host) }),
      blame,
      judge: judged,
      deadlineMs,
      signal,
    });
    this.#line = new MeteredStream(raw, allowanceOf(target));
    return this.#line;
  }

  async #secureExit(line: MeteredStream): Promise<Duplex> {
    const { endpoint, verifyTls: verify, ca } = this.#request.exit;
    const secured = await this.#tools.dialler.secureWithin(
      line,
      { host: endpoint.host, blame: 'exit', verify, ca },
      this.#cutoff,
    );
    this.#ended('tls');
    return secured;
  }

  /** As far as one gets without anything leaving the exit. */
  async #greet(way: Duplex): Promise<void> {
    const { endpoint } = this.#request.exit;
    if (endpoint.scheme === 'socks5') {
      await loginBySocks5(new Handshake(way, this.#cutoff), endpoint);
      this.#ended('tunnel');
    }
    this.#answered();
  }

  async #openTunnel(way: Duplex, asked: PageTarget['authority']): Promise<Handshake> {
    const { exit } = this.#request;
    const { dialler, judge: judgePlace } = this.#tools;
    const judge: Judge = (address) => judgePlace(address, asked.port);
    const request = { authority: asked, dns: exit.dns, family: 0, judge } as const;
    const authority = await authorityFor(exit, request, (question) => dialler.addresses(question, this.#cutoff));
    const handshake = new Handshake(way, this.#cutoff);
    await confirmTunnel(handshake, { authority, endpoint: exit.endpoint }, this.#tools);
    this.#ended('tunnel');
    return handshake;
  }

  async #fetch(way: Duplex, target: PageTarget): Promise<void> {
    const { exit } = this.#request;
    const { scheme, username, password = '' } = exit.endpoint;
    const isHttp = scheme === 'http' || scheme === 'https';
    const absolute = isHttp && !target.tls && exit.dns === 'remote';
    let handshake = new Handshake(way, this.#cutoff);
    if (!absolute && scheme !== 'direct') handshake = await this.#openTunnel(way, target.authority);
    if (!absolute) this.#stage = 'target';
    if (target.tls) {
      if (handshake.rest.length > 0) way.unshift(handshake.rest);
      const { host } = target.authority;
      const tls = { host, blame: 'origin', verify: true, ca: exit.ca } as const;
      handshake = new Handshake(await this.#tools.dialler.secureWithin(way, tls, this.#cutoff), this.#cutoff);
      this.#ended('targetTls');
    }
    const authorization =
      absolute && username !== undefined ? `Proxy-Authorization: ${formatBasic({ username, password })}\r\n` : '';
    handshake.send(requestHead(target, { absolute, authorization }));
    await this.#readPage(handshake, target);
  }

  async #readPage(handshake: Handshake, target: PageTarget): Promise<void> {
    const { heads, exitErrors } = this.#tools;
    const plan = await readFinalHead(handshake, heads);
    this.#ended('answer');
    this.#answered();
    this.#status = plan.status;
    const named = exitErrorOf(plan, exitErrors);
    if (named !== null && this.#stage === 'exit')
      throw unexpected(named, `the exit answered with status ${plan.status}`);
    this.#stage = 'target';
    const expected =
      target.statuses.length === 0 ? plan.status >= 200 && plan.status < 300 : target.statuses.includes(plan.status);
    if (!expected) throw unexpected('origin_bad_response', `the answer's status is ${plan.status}`);
    const content = await readContent(handshake, plan.framing);
    if (target.body !== null && !target.body.test(content))
      throw unexpected('origin_bad_response', "the answer's content is not what is expected");
    this.#seen = readSeen(content, target.body);
  }

  /** What was asked for has come. */
  #answered(): void {
    this.#answeredMs = this.#tools.now() - this.#startedAt;
  }

  #ended(phase: keyof ProbePhases): void {
    const now = this.#tools.now();
    this.#phases[phase] = now - this.#phaseAt;
    this.#phaseAt = now;
  }

  /** A handshake knows exits only; behind a tunnel it is the target that is silent. */
  #blamed(kind: ErrorKind): ErrorKind {
    if (this.#stage === 'exit' || this.#line?.exceeded === true) return kind;
    return beyondTunnel.get(kind) ?? kind;
  }
}

const beyondTunnel: ReadonlyMap<ErrorKind, ErrorKind> = new Map<ErrorKind, ErrorKind>([
  ['exit_failed', 'origin_reset'],
  ['exit_timeout', 'origin_timeout'],
  ['exit_rejected', 'origin_bad_response'],
]);

function requestHead(
  { authority, tls, path }: PageTarget,
  { absolute, authorization }: { readonly absolute: boolean; readonly authorization: string },
): string {
  const host = formatAuthority(authority, tls ? 443 : 80);
  const target = absolute ? `http://${host}${path}` : path;
  const fields = 'Accept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n';
  return `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${authorization}${fields}\r\n`;
}

const unexpected = (kind: ErrorKind, detail: string): GatewayError => new GatewayError(kind, { detail });

const ownFamily = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);
