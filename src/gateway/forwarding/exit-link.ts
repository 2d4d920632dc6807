import { Buffer } from 'node:buffer';
import { formatBasic } from '../../protocol/credentials.ts';
import { ResponseHeadDecoder } from '../../protocol/http-head.ts';
import type { ResponseHead } from '../../protocol/http-message.ts';
import { type ConnectionEvents, HttpConnection } from '../../transport/http-connection.ts';
import type { Watch } from '../../transport/kept-connections.ts';
import type { Socket } from '../../transport/socket.ts';
import { exitTarget } from '../../transport/tunnel.ts';
import { Wire } from '../../transport/wire.ts';
import type { Attempt } from '../attempt-run.ts';
import type { Collaborators } from '../collaborators.ts';
import { Deadline } from '../deadline.ts';
import { type Admission, authorityKey, type Choice, type Exchange } from '../exchange.ts';
import { bookLate, closeFailed, type Payer } from '../late-octets.ts';
import { mostUnread, openRoute } from '../tunnels/exit-route.ts';

/** Who has a request under way over a link. */
export interface LinkUser extends ConnectionEvents<ResponseHead> {
  /** The deadline that it set with `link.silence` has passed. */
  silent(): void;
}

/** How long an idle link to an exit is kept: shorter than the idle limit of common proxies and origins, so that few die first. */
const KEEP_LINK_MS = 30_000;

/** Between users what comes over a link is of no interest. */
const nobody: LinkUser = {
  silent() {},
  headBegun() {},
  head() {},
  content() {},
  contentEnd() {},
  fault() {},
  ended() {},
  closed() {},
};

/** A connection over which requests are forwarded: to an HTTP exit that takes them in absolute form, or through a tunnel to the
 *  origin itself. */
export class ExitLink {
  readonly socket: Socket;
  /** Counts the octets of its connection; each user takes what came since the one before. */
  readonly wire: Wire;
  readonly connection: HttpConnection<ResponseHead>;
  /** Whom it may serve again: one client, exit, credential and session; through a tunnel, one origin. */
  readonly key: string;
  readonly #exit: { readonly slot: number; readonly id: string };
  readonly #registry: Collaborators['registry'];
  readonly #kept: Collaborators['kept'];
  readonly #era: number;
  readonly absoluteForm: boolean;
  /** Proxy-Authorization for an exit that takes requests in absolute form; empty otherwise. */
  readonly proxyAuthorization: string;
  /** Who pays for what comes while nobody uses it: whoever did last. */
  payer: Payer | null = null;
  /** Whether it has carried an exchange before: then it may turn out to be dead. */
  reused = false;
  /** The deadline for the next sign of the exit; its user's. */
  readonly silence = new Deadline(() => this.#user.silent());
  #user: LinkUser = nobody;
  #watch: LinkWatch | null = null;

  constructor(
    deps: Collaborators,
    options: {
      socket: Socket;
      wire: Wire;
      early: Buffer;
      choice: Choice;
      key: string;
      /** That of kept links when its way was judged. */
      era: number;
      absoluteForm: boolean;
      proxyAuthorization: string;
    },
  ) {
    this.socket = options.socket;
    this.wire = options.wire;
    this.key = options.key;
    this.#exit = { slot: options.choice.slot, id: options.choice.exit.id };
    this.#registry = deps.registry;
    this.#kept = deps.kept;
    this.#era = options.era;
    this.absoluteForm = options.absoluteForm;
    this.proxyAuthorization = options.proxyAuthorization;
    const decoder = new ResponseHeadDecoder(deps.settings().heads);
    this.connection = new HttpConnection(options.socket, { decoder, role: 'response', events: nobody });
    this.connection.feed(options.early);
    this.socket.once('close', () => {
      this.silence.clear();
      if (this.payer !== null && this.#user === nobody) bookLate(deps, this.payer, this.wire);
    });
  }

  /** Whether its exit is in a pool still, and it was opened by the rules that hold. */
  get stands(): boolean {
    return this.#era === this.#kept.era && this.#registry.exitAt(this.#exit.slot)?.id === this.#exit.id;
  }

  /** Whether a link that was kept, and is nobody's now, has said nothing since its last answer. Anything else would pass for the
   *  answer to the next request, so this is to be asked right before that is written: an event may not have told of it yet. */
  isQuiet(): boolean {
    const { socket, wire, connection } = this;
    const isSilent = !socket.destroyed && !wire.hasNews();
    return isSilent && connection.awaitsHead && !connection.hasSurplus && !connection.peerEnded;
  }

  /** Hands it to its next user, or to nobody. */
  set user(user: LinkUser | null) {
    this.#user = user ?? nobody;
    this.connection.events = this.#user;
  }

  /** Closes it behind a request that has failed. */
  giveUp(deps: Collaborators, fault: unknown): void {
    this.connection.detach();
    closeFailed(deps, this.socket, fault);
  }

  /** Calls `spoiled`, always the same, at the first sign of its peer: whatever it sends, or its end. */
  watch(spoiled: () => void): void {
    this.#watch ??= new LinkWatch(spoiled);
    this.connection.events = this.#watch;
    this.connection.readHead();
  }
}

/** Takes any sign of the peer for the end of a link that nobody uses. */
class LinkWatch implements ConnectionEvents<ResponseHead> {
  readonly headBegun: () => void;
  readonly head: () => void;
  readonly fault: () => void;
  readonly ended: () => void;
  readonly closed: () => void;

  constructor(spoiled: () => void) {
    this.headBegun = spoiled;
    this.head = spoiled;
    this.fault = spoiled;
    this.ended = spoiled;
    this.closed = spoiled;
  }

  content(): void {}

  contentEnd(): void {}
}

/** How kept links are watched. */
export const linkWatch: Watch<ExitLink> = {
  begin: (link, drop) => link.watch(drop),
  end: (link) => {
    link.user = null;
  },
};

/** A kept link that fits the exchange and this attempt's exit, or null. */
export function takeLink(deps: Collaborators, exchange: Exchange, attempt: Attempt): ExitLink | null {
  const key = linkKey(exchange, attempt, takesAbsoluteForm(exchange, attempt));
  let link = deps.kept.take(key);
  for (; link?.isQuiet() === false; link = deps.kept.take(key)) link.socket.destroy();
  if (link === null) return null;
  link.reused = true;
  attempt.meter.follow(link.wire);
  return link;
}

/** Opens a link over the attempt's exit, within the dial deadline and the attempt's share of the time. `upgrade` needs a way
 *  through to the origin, because few proxies forward an Upgrade. */
export async function openLink(
  deps: Collaborators,
  exchange: Exchange,
  { attempt, upgrade }: { attempt: Attempt; upgrade: boolean },
): Promise<ExitLink> {
  const absoluteForm = !upgrade && takesAbsoluteForm(exchange, attempt);
  const { choice } = attempt;
  const { endpoint } = choice;
  const key = linkKey(exchange, attempt, absoluteForm);
  const { era } = deps.kept;
  const { socket, early } = absoluteForm
    ? await dialExit(deps, exchange, attempt)
    : await openRoute(deps, exchange, { attempt });
  const { username, password } = endpoint;
  const proxyAuthorization =
    absoluteForm && username !== undefined ? formatBasic({ username, password: password ?? '' }) : '';
  const wire = attempt.meter.wire ?? new Wire(socket);
  return new ExitLink(deps, { socket, wire, early, choice, key, era, absoluteForm, proxyAuthorization });
}

/** Keeps a link on which all has been answered for the next exchange of its key; closes it, in order, where it may serve no other
 *  (`again`), or its exit has left or the rules have changed meanwhile. */
export function leaveLink(
  deps: Collaborators,
  exchange: Exchange,
  { link, again }: { link: ExitLink; again: boolean },
): void {
  link.user = null;
  const { quota, choice } = exchange;
  link.payer = { booking: deps.ledger.payerOf(exchange), quota, choice };
  // The last content may have found its client slow; left paused, the link would read neither another response nor its end.
  link.connection.resume();
  if (again && link.stands) {
    deps.kept.keep(link.key, link, KEEP_LINK_MS);
    return;
  }
  // What came before its end is the exchange's own.
  exchange.meter?.settle();
  deps.kept.dismiss(link);
}

async function dialExit(
  deps: Collaborators,
  exchange: Exchange,
  { choice, wayMs, signal, meter }: Attempt,
): Promise<{ socket: Socket; early: Buffer }> {
  const { endpoint, exit } = choice;
  const socket = await deps.dialler.dial({
    ...exitTarget({ endpoint, verifyTls: exit.verifyTls, ca: exit.ca }),
    judge: (address) => deps.rules().judgeEndpoint(address, endpoint.port),
    deadlineMs: Math.min(deps.settings().timeouts.dial, wayMs),
    signal,
    mostUnread: mostUnread(exchange),
    onWire: (socket) => meter.dialled(socket),
  });
  return { socket, early: Buffer.alloc(0) };
}

/** An HTTP exit forwards requests itself, unless the name is to be resolved here: then it gets a tunnel to the address. */
export function takesAbsoluteForm(
  exchange: Pick<Exchange, 'admission'>,
  { choice }: { readonly choice: Choice },
): boolean {
  const { scheme } = choice.endpoint;
  return (scheme === 'http' || scheme === 'https') && dnsOf(exchange.admission, choice) === 'remote';
}

/** Who resolves the origin's name. */
function dnsOf(admission: Admission | null, { exit }: Choice): 'local' | 'remote' {
  return admission?.params.dns ?? exit.dns;
}

function linkKey(exchange: Exchange, { choice }: Attempt, absoluteForm: boolean): string {
  const { admission } = exchange;
  const origin = absoluteForm ? '' : authorityKey(exchange);
  if (admission === null) return keyOf(admission, { choice, origin });
  const { links } = admission;
  return links.get(choice, origin) ?? links.keep(choice, origin, keyOf(admission, { choice, origin }));
}

/** No part holds a line break but perhaps the credential, which comes last and tells where its parts end. */
function keyOf(
  admission: Admission | null,
  { choice, origin }: { readonly choice: Choice; readonly origin: string },
): string {
  const { exit, endpoint } = choice;
  const { username, password = '' } = endpoint;
  const session = admission?.params.session ?? '';
  // A link leads to the address that was found for whoever opened it.
  const where = `${admission?.params.ip}\n${dnsOf(admission, choice)}\n${origin}`;
  const whom = `${admission?.client.name}\n${session}\n${exit.id}\n${where}`;
  return `${whom}\n${endpoint.host}\n${endpoint.port}\n${username?.length}\n${username}\n${password}`;
}
