import { Buffer } from 'node:buffer';
import { closeSync } from 'node:fs';
import net from 'node:net';
import { ignoreError } from './ignore-error.ts';
import { joinFront } from './joined-writes.ts';
import { EAGAIN, KEPT_BYTES, NativeReadable, type SocketHome } from './native-readable.ts';
import { pollBit } from './poller-binding.ts';
import { resetSocket } from './reset-socket.ts';
import type { Socket } from './socket.ts';
import { systemError } from './system-error.ts';

const EMSGSIZE = -90;
const ENOTCONN = -107;

/** A plain TCP socket over the thread's own epoll. It stops reading as soon as it is paused, but for what a peer leaves behind that is
 *  gone. What the system doesn't take of a write waits here, and then write() returns false. */
export class NativeSocket extends NativeReadable implements Socket {
  readonly #came: 'accepted' | 'connected' | 'connecting';
  bytesWritten = 0;

  #queue: Uint8Array[] = [];
  writableLength = 0;
  #corks = 0;
  writableNeedDrain = false;
  writableEnded = false;
  #finSent = false;
  #finTold = false;
  #closeTold = false;

  #peer = '';
  #ends: readonly string[] | null = null;
  #stand: net.Socket | null = null;

  constructor(home: SocketHome, handle: number, came: 'accepted' | 'connected' | 'connecting') {
    super(home, handle, came === 'connecting');
    this.#came = came;
    home.enter(handle, this);
  }

  /** A client that is gone reads no answer, and nobody is to go on for it. */
  protected get keepsLast(): boolean {
    return this.#came !== 'accepted';
  }

  /** -1 once it is closed, or known to be broken: the system tells that but once, and whoever had it next would take it for an end. */
  get descriptor(): number {
    return this.destroyed || this.broken !== null ? -1 : this.home.binding.pollDescriptor(this.handle);
  }

  get remoteAddress(): string | undefined {
    if (this.#came !== 'accepted') return this.#end(2);
    if (this.#peer === '') this.#peer = this.home.binding.pollPeer(this.handle);
    return this.#peer === '' ? undefined : this.#peer;
  }

  get remotePort(): number | undefined {
    return portOf(this.#end(3));
  }

  get localAddress(): string | undefined {
    return this.#end(0);
  }

  get localPort(): number | undefined {
    return portOf(this.#end(1));
  }

  write(octets: Uint8Array | string, encoding: BufferEncoding = 'utf8'): boolean {
    if (this.destroyed || this.writableEnded || this.broken !== null) return false;
    const waits = this.writableLength > 0 || this.#corks > 0 || this.connecting;
    if (typeof octets !== 'string') {
      this.bytesWritten += octets.length;
      return waits ? this.#enqueue(octets) : this.#send(octets);
    }
    if (!waits && encoding === 'latin1') {
      const sent = this.home.binding.pollWriteLatin1(this.handle, octets);
      if (sent !== EMSGSIZE) {
        this.bytesWritten += octets.length;
        if (sent === octets.length) return true;
        if (sent < 0 && sent !== EAGAIN) return this.#refused('write', sent);
        return this.#enqueue(Buffer.from(octets, 'latin1').subarray(Math.max(0, sent)));
      }
    }
    const converted = Buffer.from(octets, encoding);
    this.bytesWritten += converted.length;
    return waits ? this.#enqueue(converted) : this.#send(converted);
  }

  cork(): void {
    this.#corks++;
  }

  uncork(): void {
    if (this.#corks > 0 && --this.#corks === 0) this.#flush();
  }

  end(octets?: Uint8Array): this {
    if (this.writableEnded) return this;
    if (octets !== undefined) this.write(octets);
    this.writableEnded = true;
    this.#corks = 0;
    this.#flush();
    return this;
  }

  destroySoon(): void {
    this.end();
    if (this.#finSent) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  destroy(error?: Error): this {
    return this.#close(error ?? null, false);
  }

  resetAndDestroy(): this {
    return this.#close(null, true);
  }

  setKeepAlive(on: boolean, delayMs: number): this {
    if (on && !this.destroyed) this.home.binding.pollKeepAlive(this.handle, Math.ceil(delayMs / 1000));
    return this;
  }

  /** Gives the descriptor away: it is the caller's, and this socket closes as after destroy(). -1 as of `descriptor`, and then nothing
   *  has changed. */
  release(): number {
    if (this.destroyed || this.broken !== null) return -1;
    const descriptor = this.home.binding.pollRelease(this.handle);
    this.home.strike(this.handle);
    this.destroyed = true;
    this.home.closing(this);
    return descriptor;
  }

  /** Takes back what release() gave away, before anything else has run; where that can't be done it stays closed. */
  reclaim(descriptor: number): void {
    if (descriptor < 0) return;
    const handle = this.home.binding.pollAttach(descriptor);
    if (handle < 0) return closeSync(descriptor);
    this.handle = handle;
    this.destroyed = false;
    this.home.enter(handle, this);
  }

  /** Gives the connection to a socket of Node's. This one closes when that does, and destroys it when it is destroyed. */
  toNodeSocket(): net.Socket {
    const descriptor = this.home.binding.pollRelease(this.handle);
    this.home.strike(this.handle);
    const stand = new net.Socket({ fd: descriptor, allowHalfOpen: true, readable: true, writable: true });
    for (const octets of this.takeHeld().reverse()) stand.unshift(octets);
    this.#stand = stand;
    stand.on('error', ignoreError).once('close', () => this.destroy());
    return stand;
  }

  /** For the poller: something happened. */
  happened(bits: number, value: number): void {
    if (this.connecting) {
      if ((bits & pollBit.failed) !== 0) {
        this.destroy(systemError('connect', -value));
        return;
      }
      this.connecting = false;
      this.emit('connect');
      if (this.destroyed) return;
    }
    if ((bits & pollBit.writable) !== 0 && (this.writableLength > 0 || this.writableEnded)) this.#flush();
    if ((bits & pollBit.readable) !== 0) this.hear((bits & pollBit.hungUp) !== 0);
  }

  /** Nothing more will happen. */
  closed(): void {
    // One that was reclaimed and then closed is in the list twice.
    if (!this.destroyed || this.#closeTold) return;
    this.#closeTold = true;
    this.emit('close', this.errored !== null);
  }

  protected endTold(): void {
    if (this.#finTold) this.destroy();
  }

  #end(index: number): string | undefined {
    if (this.#ends === null) {
      const told = this.destroyed ? '' : this.home.binding.pollEnds(this.handle);
      if (told === '') return undefined;
      this.#ends = told.split(' ');
    }
    return this.#ends[index];
  }

  #send(octets: Uint8Array): boolean {
    if (octets.length === 0) return true;
    const sent = this.home.binding.pollWrite(this.handle, octets);
    if (sent === octets.length) return true;
    if (sent < 0 && sent !== EAGAIN) return this.#refused('write', sent);
    return this.#enqueue(sent > 0 ? octets.subarray(sent) : octets);
  }

  #enqueue(octets: Uint8Array): boolean {
    if (octets.length > 0) this.#queue.push(octets);
    this.writableLength += octets.length;
    const takesMore = (this.#corks > 0 || this.connecting) && this.writableLength < KEPT_BYTES;
    if (!takesMore) this.writableNeedDrain = true;
    return takesMore;
  }

  /** Sends what waits, as much as the system takes, and what is to follow it. */
  #flush(): void {
    if (this.connecting || this.#corks > 0 || this.destroyed) return;
    while (this.writableLength > 0) {
      const octets = joinFront(this.#queue);
      const sent = this.home.binding.pollWrite(this.handle, octets);
      if (sent < 0 && sent !== EAGAIN) {
        this.#refused('write', sent);
        return;
      }
      const taken = Math.max(0, sent);
      this.writableLength -= taken;
      if (taken < octets.length) {
        this.#queue[0] = octets.subarray(taken);
        return;
      }
      this.#queue.shift();
    }
    if (this.writableNeedDrain && !this.writableEnded) {
      this.writableNeedDrain = false;
      process.nextTick(tellDrain, this);
    }
    if (this.writableEnded && !this.#finSent) this.#sendFin();
  }

  #sendFin(): void {
    this.#finSent = true;
    // Where the other direction has ended, the close that follows tells it as well, for a call of the system less.
    const result = this.readableEnded ? 0 : this.home.binding.pollShutdown(this.handle);
    // Of a connection that was reset the reading tells, behind what came before.
    if (result < 0 && result !== ENOTCONN) {
      this.#refused('shutdown', result);
      return;
    }
    process.nextTick(tellFinish, this);
  }

  /** For nextTick. */
  finished(): void {
    this.#finTold = true;
    this.emit('finish');
    if (this.readableEnded) this.destroy();
  }

  /** The system takes nothing more for the peer, and what waits for it is dropped. */
  #refused(call: string, result: number): false {
    this.#queue = [];
    this.writableLength = 0;
    this.writableNeedDrain = true;
    this.muted(systemError(call, result));
    return false;
  }

  #close(error: Error | null, reset: boolean): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.errored = error;
    if (this.#came === 'connecting') this.countUnread();
    if (this.#stand !== null) {
      if (reset) resetSocket(this.#stand);
      else this.#stand.destroy();
    } else {
      this.home.binding.pollClose(this.handle, reset);
      this.home.strike(this.handle);
    }
    this.#queue = [];
    this.writableLength = 0;
    this.takeHeld();
    if (error !== null) process.nextTick(tellError, this, error);
    this.home.closing(this);
    return this;
  }
}

const tellDrain = (socket: NativeSocket): void =>
  void (socket.destroyed || socket.writableNeedDrain || socket.emit('drain'));
const tellFinish = (socket: NativeSocket): void => void (socket.destroyed || socket.finished());
const tellError = (socket: NativeSocket, error: Error): void => void socket.emit('error', error);

const portOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
