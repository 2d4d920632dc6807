import { RECORD_FIELDS, type RelayBinding, recordKind } from '../../src/transport/relay-binding.ts';
import { type PollerPairs, pattern } from './poller-pairs.ts';

const AT_ONCE = 24;
const [EAGAIN, EBADF] = [-11, -9];

const REPLY = Buffer.from('HTTP/1.1 200 OK\r\n\r\n');

/** One who talks through a tunnel, by a socket of the poller. */
interface Peer {
  readonly socket: number;
  open: boolean;
  shut: boolean;
  sent: number;
  heard: number;
  /** Our own words before those of the other. */
  reply: Buffer;
  ended: boolean;
}

interface Tunnel {
  readonly handle: number;
  readonly tag: number;
  readonly peers: readonly [Peer, Peer];
  readonly keepsBeginning: boolean;
  /** What may end it but two FINs. */
  readonly expires: boolean;
  cut: boolean;
  reset: boolean;
  limited: boolean;
  over: boolean;
  counted: [number, number];
}

interface Parts {
  readonly binding: RelayBinding;
  readonly random: () => number;
  readonly pairs: PollerPairs;
  /** Told what should not be. */
  readonly fault: (what: string) => void;
}

/** What may be of the relay's tunnels, and calls at random that are held against it. */
export class RelayModel {
  readonly #binding: RelayBinding;
  readonly #random: () => number;
  readonly #pairs: PollerPairs;
  readonly #fault: (what: string) => void;
  readonly #figures = new Float64Array(4);
  /** All that ever were, by handle. */
  readonly #tunnels = new Map<number, Tunnel>();
  readonly #handles: number[] = [];
  #live: Tunnel[] = [];
  /** Peers of tunnels that ended cleanly, which their ends have yet to reach. */
  #leaving: { tunnel: Tunnel; peer: Peer }[] = [];

  constructor(parts: Parts) {
    this.#binding = parts.binding;
    this.#random = parts.random;
    this.#pairs = parts.pairs;
    this.#fault = parts.fault;
  }

  /** Whether every tunnel has ended, and every peer knows. */
  get isAtRest(): boolean {
    return this.#live.length + this.#leaving.length === 0;
  }

  /** How many were handed over. */
  get adopted(): number {
    return this.#tunnels.size;
  }

  step(): void {
    const often = [this.#send, this.#send, this.#hearOne, this.#hearOne];
    const calls = [...often, this.#adopt, this.#shut, this.#counts, this.#renew, this.#drain];
    const seldom = [this.#cut, this.#reset, this.#look, this.#stats];
    this.#pick(this.#random() < 0.15 ? seldom : calls).call(this);
  }

  #adopt(): void {
    if (this.#live.length >= AT_ONCE) return;
    const [client, exit] = [this.#pairs.take(), this.#pairs.take()];
    if (client === undefined || exit === undefined) return;
    const peers = [client, exit].map(({ peer }, side): Peer => {
      const reply = side === 0 && this.#random() < 0.5 ? REPLY : Buffer.alloc(0);
      return { socket: peer, open: true, shut: false, sent: this.#upTo(300), heard: 0, reply, ended: false };
    }) as [Peer, Peer];
    const owned = this.#upTo(4);
    const descriptors = [client, exit].map(({ end }, side) =>
      (owned >> side) & 1 ? this.#binding.pollRelease(end) : this.#binding.pollDescriptor(end),
    );
    const [from = -1, to = -1] = descriptors;
    // In vain first: then they are still the caller's.
    if (this.#random() < 0.1)
      this.#expect(this.#binding.adopt(from, 1e9, ...NOTHING, owned & 1) === EBADF, 'no descriptor is adopted');
    const early = peers.map(({ sent }) => (sent === 0 ? undefined : pattern(0, sent)));
    const [allowance, pace] = [this.#random() < 0.3 ? this.#upTo(5000) : -1, this.#random() < 0.1 ? 1e7 : 0];
    const [keepsBeginning, expires, tag] = [this.#random() < 0.5, this.#random() < 0.1, this.#handles.length];
    const limits = [expires ? this.#upTo(30) : 600_000, pace, allowance, keepsBeginning, owned] as const;
    const reply = peers[0].reply.length === 0 ? undefined : peers[0].reply;
    const handle = this.#binding.adopt(from, to, reply, early[0], early[1], tag, tag, ...limits);
    this.#expect(handle > 0 && !this.#tunnels.has(handle), `a handle of its own (${handle})`);
    for (const [side, { end }] of [client, exit].entries())
      if (((owned >> side) & 1) === 0) this.#binding.pollClose(end, false);
    const states = { cut: false, reset: false, limited: allowance >= 0, over: false };
    const tunnel: Tunnel = { handle, tag, peers, keepsBeginning, expires, ...states, counted: [0, 0] };
    this.#tunnels.set(handle, tunnel);
    this.#handles.push(handle);
    this.#live.push(tunnel);
  }

  #send(): void {
    const found = this.#anyPeer();
    if (found === null || found.peer.shut) return;
    const { tunnel, peer } = found;
    const taken = this.#binding.pollWrite(peer.socket, pattern(peer.sent, 1 + this.#upTo(4000)));
    if (taken > 0) peer.sent += taken;
    else this.#expect(taken === EAGAIN || mayBreak(tunnel), `a write is refused (${taken})`);
  }

  #hearOne(): void {
    const found = this.#anyPeer();
    if (found !== null) this.#hear(found.tunnel, found.peer, 1 + this.#upTo(8000));
  }

  #hear(tunnel: Tunnel, peer: Peer, most: number): void {
    const count = this.#binding.pollRead(peer.socket, most);
    const other = tunnel.peers[peer === tunnel.peers[0] ? 1 : 0];
    if (count === 0) {
      peer.ended = true;
      this.#expect(peer.heard === peer.reply.length + other.sent || mayBreak(tunnel), 'an end before the last octet');
    }
    if (count < 0) this.#expect(count === EAGAIN || mayBreak(tunnel), `a read fails (${count})`);
    if (count <= 0) return;
    const ofReply = peer.reply.subarray(peer.heard, peer.heard + count);
    const ofOther = pattern(Math.max(0, peer.heard - peer.reply.length), count - ofReply.length);
    this.#expect(this.#pairs.room.subarray(0, count).equals(Buffer.concat([ofReply, ofOther])), 'octets differ');
    peer.heard += count;
  }

  #shut(): void {
    const found = this.#anyPeer();
    if (found === null || this.#random() < 0.7) return;
    this.#binding.pollShutdown(found.peer.socket);
    found.peer.shut = true;
  }

  #reset(): void {
    const found = this.#anyPeer();
    if (found === null) return;
    found.tunnel.reset = true;
    found.peer.open = false;
    this.#binding.pollClose(found.peer.socket, true);
  }

  #counts(): void {
    const handle = this.#anyHandle();
    const tunnel = this.#tunnels.get(handle);
    const lives = this.#binding.counts(handle, this.#figures);
    if (lives) this.#expect(tunnel !== undefined && !tunnel.over, 'counts of what lives not');
    else this.#expect(tunnel === undefined || tunnel.over || mayEnd(tunnel), 'no counts of what lives');
    if (lives && tunnel !== undefined) this.#count(tunnel, [this.#figures[0] ?? -1, this.#figures[1] ?? -1]);
  }

  #renew(): void {
    const handle = this.#anyHandle();
    const tunnel = this.#tunnels.get(handle);
    const more = this.#random() < 0.3 ? -1 : this.#upTo(20_000);
    if (tunnel !== undefined && more >= 0) tunnel.limited = true;
    this.#binding.renew(handle, more);
  }

  #cut(): void {
    const handle = this.#anyHandle();
    const tunnel = this.#tunnels.get(handle);
    if (tunnel !== undefined) tunnel.cut = true;
    this.#binding.cut(handle);
  }

  #drain(): void {
    const records = new Float64Array(RECORD_FIELDS * (1 + this.#upTo(4)) + this.#upTo(RECORD_FIELDS));
    const count = this.#binding.drain(records);
    this.#expect(count * RECORD_FIELDS <= records.length, 'more records than there is room for');
    this.#expect(this.#binding.beginning(count) === undefined, 'the beginning of no record');
    for (let at = 0; at < count; at++) this.#take(records.subarray(at * RECORD_FIELDS), this.#binding.beginning(at));
    this.#leave();
  }

  #take(record: Float64Array, beginning: Buffer | undefined): void {
    const [handle = 0, place, tag, kind, , fromClient = -1, fromExit = -1] = record;
    const tunnel = this.#tunnels.get(handle);
    if (tunnel === undefined || tunnel.over) return this.#fault('a record of what lives not');
    this.#expect(place === tunnel.tag && tag === tunnel.tag, 'place and tag');
    if (kind === recordKind.spent) return this.#expect(tunnel.limited, 'an allowance that nobody set is spent');
    tunnel.over = true;
    this.#live = this.#live.filter((one) => one !== tunnel);
    this.#count(tunnel, [fromClient, fromExit]);
    const isWhole = tunnel.peers.every(({ shut, sent }, side) => shut && sent === [fromClient, fromExit][side]);
    if (kind === recordKind.closed) this.#expect(isWhole || tunnel.reset, 'a clean end of what is not whole');
    if (kind === recordKind.reset) this.#expect(tunnel.reset, 'a reset that nobody asked for');
    if (kind === recordKind.idle) this.#expect(tunnel.expires, 'an idle end before its time');
    if (kind === recordKind.cut) this.#expect(tunnel.cut, 'a cut that nobody asked for');
    if (beginning !== undefined)
      this.#expect(tunnel.keepsBeginning && beginning.equals(pattern(0, beginning.length)), 'another beginning');
    for (const peer of tunnel.peers) if (peer.open) this.#leaving.push({ tunnel, peer });
  }

  /** What has passed both ways can only grow, and no more of it than was sent. */
  #count(tunnel: Tunnel, counted: [number, number]): void {
    for (const [side, { sent }] of tunnel.peers.entries())
      this.#expect(
        counted[side]! >= tunnel.counted[side]! && counted[side]! <= sent,
        `${counted} of ${sent} are counted`,
      );
    tunnel.counted = counted;
  }

  /** Peers of a tunnel that is over hear the rest, to the end where it ended cleanly. */
  #leave(): void {
    this.#leaving = this.#leaving.filter(({ tunnel, peer }) => {
      for (let before = -1; before !== peer.heard && !peer.ended; ) {
        before = peer.heard;
        this.#hear(tunnel, peer, 8192);
      }
      if (!peer.ended && !mayBreak(tunnel)) return true;
      peer.open = false;
      this.#binding.pollClose(peer.socket, this.#random() < 0.5);
      return false;
    });
  }

  /** A descriptor of a peer, which is the poller's; -1 where none is open. */
  descriptor(): number {
    const found = this.#anyPeer();
    return found === null ? -1 : this.#binding.pollDescriptor(found.peer.socket);
  }

  /** Asks about a descriptor that is there, or about one of a socket that is closed. */
  #look(): void {
    const peer = this.#pick([...this.#tunnels.values()].slice(-30).flatMap(({ peers }) => [...peers]));
    if (peer === undefined) return;
    const fd = this.#binding.pollDescriptor(peer.socket);
    this.#expect(fd >= 0 === peer.open, 'a descriptor of what is open');
    const [octets, ms] = [this.#binding.unread(fd), this.#binding.waited(fd)];
    this.#expect(peer.open ? octets >= 0 && ms >= -1 : octets === 0 && ms === -1, 'what waits in it');
  }

  #stats(): void {
    this.#binding.stats(this.#figures);
    this.#expect(this.#figures[0]! <= this.#live.length, 'no more tunnels than were handed over');
  }

  /** Ends what runs: some are cut, the others have all that was sent and a clean end. */
  end(): void {
    for (const tunnel of this.#live) {
      if (tunnel.tag % 3 === 0) tunnel.cut = true;
      if (tunnel.cut) this.#binding.cut(tunnel.handle);
      this.#binding.renew(tunnel.handle, -1);
      for (const peer of tunnel.peers.filter(({ open }) => open)) {
        if (!peer.shut) this.#binding.pollShutdown(peer.socket);
        peer.shut = true;
        if (!peer.ended) this.#hear(tunnel, peer, 8192);
      }
    }
    this.#drain();
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.#fault(what);
  }

  #upTo(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#upTo(values.length)]!;
  }

  #anyPeer(): { tunnel: Tunnel; peer: Peer } | null {
    const tunnel = this.#pick(this.#live);
    const peer = tunnel && this.#pick(tunnel.peers);
    return peer?.open ? { tunnel: tunnel!, peer } : null;
  }

  /** Of a tunnel that lives, of one that has ended, or one of another generation, slot or thread. What never was mustn't come to
   *  be either, for a call on it may be obeyed late: such generations lie far ahead. */
  #anyHandle(): number {
    const known = this.#random() < 0.6 ? this.#live.map((one) => one.handle) : this.#handles.slice(-100);
    const handle = this.#pick(known) ?? 1;
    const beside = [2 + 2 ** 44, 2 ** 21 + 2 ** 44, 2 ** 44, -(2 ** 25), 2 ** 51];
    return this.#random() < 0.2 ? handle + this.#pick(beside) : handle;
  }
}

const NOTHING = [undefined, undefined, undefined, 0, 0, 600_000, 0, -1, false] as const;

/** Whether a peer of it may meet a reset, or an end in the midst of what the other says. */
const mayBreak = ({ cut, reset, expires }: Tunnel): boolean => cut || reset || expires;
const mayEnd = (tunnel: Tunnel): boolean => mayBreak(tunnel) || tunnel.peers.every(({ shut }) => shut);
