import { GatewayError } from '../../errors.ts';
import type { Fault } from '../../protocol/decoded.ts';
import type { Fields } from '../../protocol/fields.ts';
import type { RequestPlan, ResponseHead, ResponsePlan } from '../../protocol/http-message.ts';
import { planResponse, switchesAsAsked } from '../../protocol/http-response.ts';
import { endContent, writeContent } from '../../transport/content-writer.ts';
import type { Attempt } from '../attempt-run.ts';
import type { ExitLink, LinkUser } from './exit-link.ts';
import type { ContentSink, RequestContent } from './request-content.ts';

/** Interim responses passed on for one request; more is a flood. */
const MOST_INTERIM = 16;

const ignore = (): void => {};

/** Who takes the content of a response. */
export interface ResponseSink {
  content(chunk: Buffer): void;
  end(trailers: Fields): void;
  /** The content stopped before its end. */
  cut(): void;
}

/** Whose request it is. */
export interface RequestOwner {
  /** An interim response has come. */
  interim(plan: ResponsePlan): void;
  /** Whom to blame for silence after the request was sent: the exit, unless it is known to work. */
  blameForSilence(attempt: Attempt, link: ExitLink): GatewayError;
  /** Closes the link behind a failure. */
  giveUp(link: ExitLink, fault: unknown): void;
}

export interface ExitExchangeOptions {
  readonly link: ExitLink;
  /** What it belongs to, and is called off with. */
  readonly attempt: Attempt;
  readonly plan: RequestPlan;
  readonly content: RequestContent;
  readonly head: string;
  /** Time in ms for the response head, from the last octet of the request that was sent. */
  readonly firstByteMs: number;
  /** Time in ms without progress in the request's content. */
  readonly stallMs: number;
  readonly owner: RequestOwner;
}

/** One request and its response over one link: sends head and content, and waits for the final response head. Then the link's
 *  content goes where relayTo() says. Fails with a GatewayError that blames the exit for what only an HTTP proxy can have done,
 *  and the origin for what came through a tunnel. */
export class ExitExchange implements LinkUser, ContentSink {
  readonly #options: ExitExchangeOptions;
  #resolve: (plan: ResponsePlan) => void = ignore;
  #reject: (fault: unknown) => void = ignore;
  #waiting = false;
  #interims = 0;
  #sink: ResponseSink | null = null;
  /** Whether any octet of a response has come. */
  answered = false;
  /** Whether the client has been told to go on with its content. */
  #continued = false;
  /** For how long, in ms, its content is held back here: that is nobody's silence. */
  #heldMs = 0;

  constructor(options: ExitExchangeOptions) {
    this.#options = options;
  }

  get link(): ExitLink {
    return this.#options.link;
  }

  get attempt(): Attempt {
    return this.#options.attempt;
  }

  /** Sends the request and resolves with the final response's plan. On failure the link is destroyed. */
  send(): Promise<ResponsePlan> {
    const { link, head, content, attempt, firstByteMs } = this.#options;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#waiting = true;
      attempt.signal.addEventListener('abort', this.#onAbort);
      link.user = this;
      const isTaken = link.socket.write(head, 'latin1');
      link.silence.set(firstByteMs);
      if (!content.isEmpty) {
        link.socket.on('drain', this.#onDrain);
        content.sendTo(this);
      }
      link.connection.readHead();
      // A socket that was gone before this began emits nothing more; or what was said before, which is no answer to this request.
      if (link.socket.destroyed || (!isTaken && link.socket.descriptor === -1)) this.closed();
    });
  }

  /** Reads the response's content into `sink`; events may come before this returns. */
  relayTo(plan: ResponsePlan, sink: ResponseSink): void {
    this.#sink = sink;
    this.#options.link.connection.readContent(plan.framing);
  }

  /** Lets go of the link and of the request's content; the link itself is the caller's to keep or destroy. */
  release(): void {
    const { link, content, attempt } = this.#options;
    this.#waiting = false;
    this.#sink = null;
    // At rest until the link's next request, if there can be one.
    if (link.socket.destroyed) link.silence.clear();
    else link.silence.rest();
    content.stop();
    if (!content.isEmpty) link.socket.off('drain', this.#onDrain);
    attempt.signal.removeEventListener('abort', this.#onAbort);
  }

  // ContentSink: the request's content.

  write(chunk: Buffer): boolean {
    this.#heldMs = 0;
    this.#allow(this.#options.stallMs);
    return writeContent(this.#options.link.socket, this.#options.plan.framing, chunk);
  }

  end(trailers: Fields | null): void {
    this.#heldMs = 0;
    this.#allow(this.#options.firstByteMs);
    if (trailers !== null) endContent(this.#options.link.socket, this.#options.plan.framing, trailers);
  }

  held(waitMs: number): void {
    this.#heldMs = waitMs;
    this.#allow(this.#options.stallMs);
  }

  /** Nothing need happen for so long, from when its content may pass. */
  #allow(ms: number): void {
    if (this.#waiting) this.#options.link.silence.set(ms + this.#heldMs);
  }

  // LinkUser: the response.

  silent(): void {
    this.#fail(this.#whoIsSilent());
  }

  headBegun(): void {
    this.answered = true;
  }

  head(head: ResponseHead): void {
    this.answered = true;
    const planned = planResponse(head, this.#options.plan.method);
    if (!planned.ok) return this.#fail(badResponse(planned.fault));
    const plan = planned.value;
    if (plan.status >= 200 || plan.status === 101) return this.#final(plan);
    this.#interims++;
    if (this.#interims > MOST_INTERIM)
      return this.#fail(badResponse({ kind: 'origin_bad_response', detail: 'too many interim responses' }));
    this.#options.owner.interim(plan);
    if (plan.status === 100) this.#continue();
    this.#options.link.connection.readHead();
  }

  /** A client that waits to be asked has its time from here on. No other interim response gives any: by one a minute an exit could hold
   *  an exchange for as long as they are many. */
  #continue(): void {
    if (!this.#continued && !this.#options.content.complete) this.#allow(this.#options.firstByteMs);
    this.#continued = true;
  }

  content(chunk: Buffer): void {
    this.#sink?.content(chunk);
  }

  contentEnd(trailers: Fields): void {
    this.#sink?.end(trailers);
  }

  fault(fault: Fault, phase: 'head' | 'content'): void {
    if (phase === 'content') return this.#cut();
    this.answered = true;
    // A proxy that speaks HTTP answers with HTTP, whatever its origin sent.
    if (this.#options.link.absoluteForm) {
      return this.#fail(
        new GatewayError('exit_rejected', { detail: `the exit's answer is no HTTP response: ${fault.detail}` }),
      );
    }
    this.#fail(badResponse(fault));
  }

  ended(midway: boolean): void {
    if (this.#sink !== null) return this.#cut();
    this.#fail(this.#closedEarly(midway));
  }

  closed(): void {
    if (this.#sink !== null) return this.#cut();
    this.#fail(this.#closedEarly(this.#options.link.connection.hasSurplus));
  }

  readonly #onDrain = (): void => this.#options.content.resume();

  readonly #onAbort = (): void => {
    const { link, attempt } = this.#options;
    if (this.#waiting) return this.#fail(attempt.signal.reason);
    link.socket.destroy();
  };

  /** While content is owed and the link would take it, it is the client that keeps everyone waiting; unless it waits for 100
   *  itself. */
  #whoIsSilent(): Error {
    const { content, link, plan, owner, attempt } = this.#options;
    const begun = content.bytes > 0 || !plan.expectsContinue || this.#continued;
    if (begun && !content.complete && !link.socket.writableNeedDrain)
      return new GatewayError('client_timeout', { detail: 'the request content stopped' });
    return owner.blameForSilence(attempt, link);
  }

  #final(plan: ResponsePlan): void {
    if (!this.#waiting) return;
    const { link, plan: request, content } = this.#options;
    // RFC 9110 §7.8: not before the whole request has been sent, either; the rest of its content would pass for the new protocol.
    if (plan.status === 101 && (!switchesAsAsked(plan, request.upgrade) || !content.complete)) {
      return this.#fail(badResponse({ kind: 'origin_bad_response', detail: 'switched protocols unasked' }));
    }
    if (plan.status === 407) return this.#fail(notOurs407(link.absoluteForm));
    this.#waiting = false;
    link.silence.rest();
    this.#resolve(plan);
  }

  #cut(): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#options.link.socket.destroy();
    sink?.cut();
  }

  #fail(fault: unknown): void {
    if (!this.#waiting) return;
    this.release();
    const { owner, link } = this.#options;
    owner.giveUp(link, fault);
    this.#reject(fault);
  }

  #closedEarly(midway: boolean): GatewayError {
    if (midway) this.answered = true;
    if (this.#options.link.absoluteForm) {
      return new GatewayError('exit_failed', {
        detail: midway ? 'the exit closed midway in a head' : 'the exit closed without an answer',
      });
    }
    if (!midway) return new GatewayError('origin_reset', { detail: 'the origin closed without an answer' });
    return new GatewayError('origin_bad_response', {
      detail: 'the origin closed midway in a head',
      proxyStatus: 'http_response_incomplete',
    });
  }
}

function badResponse({ detail }: Fault): GatewayError {
  return new GatewayError('origin_bad_response', { detail });
}

/** A 407 asks the sender's next hop for a credential. Shown to the client it would ask for theirs. */
function notOurs407(fromExit: boolean): GatewayError {
  if (fromExit)
    return new GatewayError('exit_auth_failed', {
      detail: 'the exit refused our credential',
      receivedStatus: 407,
      isHearsay: true,
    });
  return new GatewayError('origin_bad_response', {
    detail: 'the origin asked for a proxy credential',
    receivedStatus: 407,
  });
}
