import { Buffer } from 'node:buffer';
import type { ResponsePlan } from '../../protocol/http-message.ts';
import type { SeenResponse } from '../../signals/block-rules.ts';
import { readableCodings } from '../../signals/page-text.ts';
import type { Verdict } from '../../signals/verdict.ts';
import { addPiece } from '../../transport/pieces.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import { exitOf, learn } from '../site-signals.ts';

/** The length of content that HEAD leaves out: it may have any, and is no short one. */
const NOT_SENT = Number.POSITIVE_INFINITY;

/** Tells what a site did with the exchange by its final response: at once where the head says enough, or else by a watch over the
 *  first octets of content, which the relay feeds. The content is copied and never changed. */
export function watchResponse(deps: Collaborators, exchange: Exchange, response: ResponsePlan): ResponseWatch | null {
  const at = exitOf(exchange);
  const { site, authority, bounds } = exchange;
  if (at === null || site === null || authority === null) return null;
  const { status, fields } = response;
  const isHead = exchange.method === 'HEAD';
  const seen = { host: authority.host, status, fields, size: isHead ? NOT_SENT : sizeOf(response) };
  const judgement = deps.signals.blocks().judgeHead(seen);
  const settle = (verdict: Verdict): void => {
    exchange.verdict = verdict;
    learn(deps, { at, site, client: bounds?.client }, verdict);
  };
  if ('wantedBytes' in judgement && seen.size !== 0 && !isHead)
    return new ResponseWatch(deps, exchange, { seen, settle, wantedBytes: judgement.wantedBytes });
  settle('verdict' in judgement ? judgement.verdict : deps.signals.blocks().judge(seen, null));
  return null;
}

/** The length that a head declares; null where the content's end will tell. */
function sizeOf({ framing }: ResponsePlan): number | null {
  if (framing.type === 'length') return framing.octets;
  return framing.type === 'none' ? 0 : null;
}

interface Watched {
  readonly seen: SeenResponse;
  readonly wantedBytes: number;
  /** Takes the verdict, once. */
  readonly settle: (verdict: Verdict) => void;
}

/** Gathers the first octets of one response until they are enough for a verdict. */
export class ResponseWatch {
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #watched: Watched;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #isJudged = false;

  constructor(deps: Collaborators, exchange: Exchange, watched: Watched) {
    this.#deps = deps;
    this.#exchange = exchange;
    this.#watched = watched;
  }

  /** Takes note of content on its way; the chunk may be used again afterwards. */
  content(chunk: Buffer): void {
    if (this.#isJudged) return;
    const { wantedBytes } = this.#watched;
    const part = chunk.subarray(0, wantedBytes - this.#size);
    addPiece(this.#chunks, Buffer.from(part));
    this.#size += part.length;
    if (this.#size === wantedBytes) this.#judge(Number.POSITIVE_INFINITY);
  }

  /** The content has ended, or where it isn't `whole` goes no further: how long it would have been nobody knows then. */
  end(whole: boolean): void {
    if (!this.#isJudged) this.#judge(whole ? this.#size : Number.POSITIVE_INFINITY);
  }

  /** `size`: how long the content is, infinite where it goes on, or was cut. */
  #judge(size: number): void {
    this.#isJudged = true;
    const octets = Buffer.concat(this.#chunks.splice(0));
    const { seen, settle } = this.#watched;
    const response = { ...seen, size: seen.size ?? size };
    const judge = (text: Buffer | null): void => settle(this.#deps.signals.blocks().judge(response, text));
    const codings = readableCodings(seen.fields.tokens('content-encoding'));
    if (codings === null || codings.length === 0) judge(codings && octets);
    else this.#exchange.judging = this.#deps.signals.pages.read(octets, codings).then(judge);
  }
}
