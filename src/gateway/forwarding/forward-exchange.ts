import { type ErrorFacts, type ErrorKind, GatewayError } from '../../errors.ts';
import { formatAuthority } from '../../protocol/authority.ts';
import { exitErrorOf } from '../../protocol/exit-errors.ts';
import type { RequestPlan, ResponsePlan } from '../../protocol/http-message.ts';
import { serialiseInterim, serialiseRequest } from '../../protocol/http-serialise.ts';
import { bookAsItRuns } from '../attempt-books.ts';
import type { Attempt, Work } from '../attempt-run.ts';
import { runAttempts } from '../attempts.ts';
import { departure } from '../choosing/exit-rests.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import { hasWorked, isKnownGood } from '../exit-words.ts';
import { ExitExchange, type RequestOwner } from './exit-exchange.ts';
import { type ExitLink, openLink, takeLink } from './exit-link.ts';
import type { Aftermath, Answer, ForwardRequest } from './forward-request.ts';
import { isBareFailure, PageFailures } from './page-failures.ts';
import { relayResponse } from './response-relay.ts';
import { relayUpgrade } from './upgrade-relay.ts';

/** Methods that mean the same when they are carried out twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PROPFIND', 'REPORT', 'SEARCH'];

/** Forwards one request and relays its response. Until the response head has come the client has been told nothing (interim
 *  responses apart), and a failed attempt is repeated as RFC 9110 §9.2.2 allows: any method while not one octet of it has been
 *  written to an exit, then only idempotent ones whose content was kept whole. Throws GatewayError or ClientLeft before that
 *  point; after it a failure shows as an unclean close. */
export async function forward(deps: Collaborators, exchange: Exchange, request: ForwardRequest): Promise<Aftermath> {
  const answer = await runAttempts(deps, exchange, new ForwardWork(deps, exchange, request));
  try {
    if (answer.response.status === 101) return await relayUpgrade(deps, exchange, { client: request.client, answer });
    return await relayResponse(deps, exchange, { request, answer });
  } catch (fault) {
    dropAnswer(answer);
    throw fault;
  }
}

function dropAnswer({ exchange, link }: Answer): void {
  exchange.release();
  link.socket.destroy();
}

/** Sends a request over exits and waits for its response head. */
class ForwardWork implements Work<Answer>, RequestOwner {
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #request: ForwardRequest;
  readonly #idempotent: boolean;
  #trustsKept = false;
  #failures: PageFailures | null = null;
  /** Something of it was written to an exit; the client has been told something. */
  #written = false;
  #told = false;

  constructor(deps: Collaborators, exchange: Exchange, request: ForwardRequest) {
    this.#deps = deps;
    this.#exchange = exchange;
    this.#request = request;
    this.#idempotent = IDEMPOTENT.includes(request.plan.method);
  }

  mayRepeat(): boolean {
    return !this.#told && this.#request.content.replayable && (this.#idempotent || !this.#written);
  }

  mayHedge(): boolean {
    const { content, plan } = this.#request;
    return this.#idempotent && !this.#told && content.isEmpty && plan.upgrade === '';
  }

  isProof({ link, response }: Answer): boolean {
    return !isBareFailure(link, response);
  }

  discard(answer: Answer): void {
    dropAnswer(answer);
  }

  failed({ choice }: Attempt, { isHearsay, isBare, isSilence }: GatewayError, isAsked: boolean): void {
    if (isSilence) this.#pageFailures().silent(choice);
    else if (isHearsay && !isBare) this.#pageFailures().named(choice, isAsked);
  }

  #pageFailures(): PageFailures {
    this.#failures ??= new PageFailures(this.#deps, this.#exchange, this.#request.plan.path);
    return this.#failures;
  }

  async run(attempt: Attempt): Promise<Answer> {
    const [deps, exchange] = [this.#deps, this.#exchange];
    const upgrade = this.#request.plan.upgrade !== '';
    // A kept link may die under the request. What can't be sent twice isn't trusted to one.
    this.#trustsKept = this.#idempotent && this.#request.content.staysReplayable && !upgrade;
    const kept = this.#trustsKept ? takeLink(deps, exchange, attempt) : null;
    if (kept !== null) {
      const turn = departure(deps, exchange, attempt);
      if (turn === null || (await staysQuiet(kept, turn))) {
        const onward = this.#sendOver(kept, attempt);
        try {
          return this.#answer(onward, await onward.send());
        } catch (fault) {
          const stale = !onward.answered && fault instanceof GatewayError && isClosing(fault);
          if (!stale || this.#told || !this.#request.content.replayable) throw fault;
        }
      }
    }
    const link = await openLink(deps, exchange, { attempt, upgrade });
    const turn = departure(deps, exchange, attempt);
    if (turn !== null) await waitFor(turn, link);
    const onward = this.#sendOver(link, attempt);
    return this.#answer(onward, await onward.send());
  }

  /** The response as the origin's, unless the exit says that it is none. */
  #answer(onward: ExitExchange, response: ResponsePlan): Answer {
    const deps = this.#deps;
    const { link } = onward;
    const exitError = link.absoluteForm ? exitErrorOf(response, deps.settings().exitErrors) : null;
    if (exitError !== null)
      throw this.#refuse(onward, { kind: exitError, detail: 'the exit says so', receivedStatus: response.status });
    if (isBareFailure(link, response)) {
      if (this.#pageFailures().met(onward.attempt, this.mayRepeat()))
        throw this.#refuse(onward, bareFailure(response.status));
    } else this.#failures?.disproved();
    return { link, exchange: onward, response, trustsKept: this.#trustsKept };
  }

  /** Takes an answer for the failure that it tells of. */
  #refuse(onward: ExitExchange, { kind, ...facts }: ErrorFacts & { readonly kind: ErrorKind }): GatewayError {
    const fault = new GatewayError(kind, { ...facts, isHearsay: true });
    onward.release();
    onward.link.giveUp(this.#deps, fault);
    return fault;
  }

  #sendOver(link: ExitLink, attempt: Attempt): ExitExchange {
    const [deps, exchange] = [this.#deps, this.#exchange];
    const { plan, content } = this.#request;
    const { firstByte, stall } = deps.settings().timeouts;
    const timeoutMs = exchange.admission?.params.timeoutMs ?? Number.POSITIVE_INFINITY;
    this.#written = true;
    if (!content.isEmpty) {
      content.pace((onWait) => deps.flows.content(exchange, onWait));
      exchange.sending = attempt.booked;
      bookAsItRuns(deps, exchange);
    }
    return new ExitExchange({
      link,
      attempt,
      plan,
      content,
      head: requestHead(this.#request, link),
      // Whole, so that a link's deadline is the same from one request to the next.
      firstByteMs: Math.ceil(Math.min(firstByte, attempt.shareMs, timeoutMs)),
      stallMs: stall,
      owner: this,
    });
  }

  interim(plan: ResponsePlan): void {
    const { minorVersion, socket } = this.#request.client;
    if (minorVersion === 0) return;
    // Nobody waits for more than the one that asks for content; a client that doesn't read gets no others.
    if (plan.status !== 100 && socket.writableNeedDrain) return;
    this.#told = true;
    socket.write(serialiseInterim(plan), 'latin1');
  }

  /** Through a tunnel it is the origin's, as far as the exit's word goes. A forwarding exit may itself be dead, unless it has lately shown
   *  that it works; and one peer of many that do, unless another was silent as well. */
  blameForSilence({ choice }: Attempt, link: ExitLink): GatewayError {
    const [deps, exchange] = [this.#deps, this.#exchange];
    const now = deps.now();
    const isKnown = !link.absoluteForm || isKnownGood(deps, exchange, choice, now);
    const isSilence = link.absoluteForm
      ? !isKnown && hasWorked(deps, choice, now)
      : choice.endpoint.scheme !== 'direct';
    if (isKnown || (isSilence && this.#failures?.hasBeenSilent === true))
      return new GatewayError('origin_timeout', { detail: 'no response head in time', isSilence });
    return new GatewayError('exit_timeout', { detail: 'no answer over the exit in time', isSilence });
  }

  giveUp(link: ExitLink, fault: unknown): void {
    link.giveUp(this.#deps, fault);
  }
}

/** Waits for the turn of a link's exit. One that isn't used after all is closed. */
async function waitFor(turn: Promise<void>, { socket }: ExitLink): Promise<void> {
  try {
    await turn;
  } catch (fault) {
    socket.destroy();
    throw fault;
  }
  // Nobody was told of it meanwhile.
  if (socket.destroyed) throw new GatewayError('exit_failed', { detail: 'the exit closed before its turn came' });
}

/** Whether a kept link can still be used when its exit's turn has come; where not it is closed. */
async function staysQuiet(link: ExitLink, turn: Promise<void>): Promise<boolean> {
  let quiet = false;
  try {
    await turn;
    quiet = link.isQuiet();
  } finally {
    if (!quiet) link.socket.destroy();
  }
  return quiet;
}

/** A failure that another exit is asked about. */
const bareFailure = (receivedStatus: number) =>
  ({
    kind: receivedStatus === 504 ? 'origin_timeout' : 'origin_bad_response',
    detail: 'a gateway on the way failed, and names no cause',
    receivedStatus,
    isBare: true,
  }) as const;

/** How a kept link fails that closed before it answered anything: a fresh one to the same exit may do. */
const isClosing = ({ kind }: GatewayError): boolean => kind === 'exit_failed' || kind === 'origin_reset';

const COUNTED: ReadonlySet<string> = new Set(['max-forwards']);

/** How often an OPTIONS request may still be forwarded (RFC 9110 §7.6.2); null where it doesn't say, and for other methods. */
export function hopsLeft({ method, fields }: RequestPlan): number | null {
  const value = method === 'OPTIONS' ? fields.get('max-forwards') : undefined;
  return value !== undefined && /^[0-9]{1,9}$/.test(value) ? Number(value) : null;
}

function requestHead({ plan, client }: ForwardRequest, link: ExitLink): string {
  const { authority, path } = plan;
  if (authority === null)
    throw new GatewayError('internal', { detail: 'a request without an authority was forwarded' });
  const host = formatAuthority(authority, 80);
  const extra: [string, string][] = [];
  if (link.proxyAuthorization !== '') extra.push(['Proxy-Authorization', link.proxyAuthorization]);
  if (client.via) extra.push(['Via', '1.1 roundabout']);
  const hops = hopsLeft(plan);
  if (hops !== null) extra.push(['Max-Forwards', String(hops - 1)]);
  return serialiseRequest(plan, {
    omit: hops === null ? undefined : COUNTED,
    target: link.absoluteForm ? `http://${host}${path === '*' ? '' : path}` : path,
    host,
    connection: plan.upgrade === '' ? 'keep-alive' : 'upgrade',
    extra,
  });
}
