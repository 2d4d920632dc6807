/** The access log: lines go to a file or to standard output, asynchronously. Nothing here waits for a disk, and a full one costs
 *  lines, never an exchange. */

import { closeSync, constants, fstatSync, open } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { destination } from 'pino';
import { systemCode } from '../system-code.ts';

type Sink = ReturnType<typeof destination>;

interface OpenedSink {
  readonly sink: Sink;
  /** Of what was opened for it; null for standard output. */
  readonly descriptor: number | null;
}

export interface AccessLogOptions {
  /** Path of the file, made where missing, appended to where not; null for standard output. */
  readonly file: string | null;
  /** Makes its folder where that is missing. */
  readonly makeFolder?: (() => void) | undefined;
  /** Octets kept while the file or the reader of the output can't take them; lines beyond are dropped. */
  readonly limitBytes?: number;
  /** How long `close` and `reopen` wait for what is still unwritten, in ms. */
  readonly flushTimeoutMs?: number;
}

const defaultLimitBytes = 4 * 1_024 * 1_024;

const defaultFlushTimeoutMs = 2_000;

/** Readable by its owner and group only: hosts, clients and sessions stand in it. */
const fileMode = 0o640;

const standardOutput = 1;

const openFile = promisify(open);

/** Opens the log. Rejects with the system's error where the file can't be opened, which holds of a pipe that nobody reads, too. */
export async function openAccessLog(options: AccessLogOptions): Promise<AccessLog> {
  return new AccessLog(options, await openSink(options));
}

/** An open log. */
export class AccessLog {
  readonly #options: AccessLogOptions;
  #sink: Sink;
  #closed = false;
  #broken = false;
  /** The last write failed, and nothing has been tried since. */
  #failed = false;
  #dropped = 0;
  #failedWrites = 0;
  #stuck = 0;
  #descriptor: number | null;
  /** Of sinks that were closed. */
  readonly #ends = new Set<Promise<void>>();

  /** Use `openAccessLog`. */
  constructor(options: AccessLogOptions, opened: OpenedSink) {
    this.#options = options;
    this.#descriptor = opened.descriptor;
    this.#sink = this.#watched(opened);
  }

  /** Lines lost: no room, the output's reader gone, or written after `close`. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes that the system refused. What they held is tried again with the next batch. */
  get failedWrites(): number {
    return this.#failedWrites;
  }

  /** A write to a reader that reads nothing is under way, in which case the process doesn't end by itself. */
  get isStuck(): boolean {
    return this.#stuck > 0;
  }

  /** Its reader is gone: what is written is lost until it is opened anew. */
  get isBroken(): boolean {
    return this.#broken;
  }

  /** Appends whole lines. Never throws, never waits. */
  writeLines(lines: string): void {
    if (this.#closed || this.#broken) {
      this.#dropped += countLines(lines);
      return;
    }
    // A sink that is full drops what it gets and tries nothing: it would never write again once there is room on the disk.
    if (this.#failed) this.#sink.write('');
    this.#failed = false;
    this.#sink.write(lines);
  }

  /** Goes on in a newly opened file of the same path, after a rotation; does nothing where the same one stands there and can be written
   *  to, and on standard output. Rejects with the system's error where it can't be opened: the log then goes on in the old one. */
  async reopen(): Promise<void> {
    const { file } = this.#options;
    if (file === null || this.#closed) return;
    // A write to a pipe that nobody reads holds a thread, and a second one would hold another.
    if (!this.#broken && (await isSame(file, this.#descriptor))) return;
    const fresh = await openSink(this.#options);
    const sink = this.#watched(fresh);
    // Closed meanwhile: what is ended is then the new file, in which nothing was written.
    if (this.#closed) return this.#end(sink);
    const [former, wasBroken] = [this.#sink, this.#broken];
    this.#sink = sink;
    this.#descriptor = fresh.descriptor;
    this.#broken = false;
    if (!wasBroken) await this.#end(former);
  }

  /** Writes what is left and closes. Resolves in any case, after `flushTimeoutMs` at the latest. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#broken) void this.#end(this.#sink);
    await Promise.all(this.#ends);
  }

  #end(sink: Sink): Promise<void> {
    const end = this.#endOf(sink);
    this.#ends.add(end);
    return end.finally(() => this.#ends.delete(end));
  }

  /** Resolves when the sink has written everything and closed, or can't. One that is amid a write when the time is over ends once that
   *  does, and not before: its descriptor would be another's by then. */
  #endOf(sink: Sink): Promise<void> {
    return new Promise((resolve) => {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        this.#stuck++;
        resolve();
      }, this.#options.flushTimeoutMs ?? defaultFlushTimeoutMs);
      const settle = () => {
        clearTimeout(timer);
        sink.off('error', giveUp);
        sink.off('close', settle);
        // The first error is told twice.
        if (isLate) this.#stuck--;
        isLate = false;
        resolve();
      };
      const giveUp = () => {
        sink.destroy();
        settle();
      };
      sink.on('error', giveUp);
      sink.on('close', settle);
      sink.end();
    });
  }

  #watched({ sink, descriptor }: OpenedSink): Sink {
    sink.on('drop', (lines: string) => {
      this.#dropped += countLines(lines);
    });
    let isOpen = descriptor !== null;
    sink.on('error', (error: NodeJS.ErrnoException) => {
      this.#failedWrites++;
      this.#failed = true;
      if (error.code !== 'EPIPE') return;
      // The reader of the output is gone; the sink silently ignores lines from here on, and its own end.
      if (isOpen && descriptor !== null) closeSync(descriptor);
      isOpen = false;
      if (sink === this.#sink) this.#broken = true;
    });
    return sink;
  }
}

/** Whether the file at the path is the one that is open. */
async function isSame(path: string, descriptor: number | null): Promise<boolean> {
  if (descriptor === null) return false;
  // At once: its reader may go, and it is closed.
  const { dev, ino } = fstatSync(descriptor);
  const standing = await stat(path).catch(() => null);
  return standing !== null && standing.dev === dev && standing.ino === ino;
}

function countLines(lines: string): number {
  let count = 0;
  for (let at = lines.indexOf('\n'); at !== -1; at = lines.indexOf('\n', at + 1)) count++;
  return count;
}

async function openSink({ file, makeFolder, limitBytes = defaultLimitBytes }: AccessLogOptions): Promise<OpenedSink> {
  makeFolder?.();
  const descriptor = file === null ? null : await openToAppend(file);
  const dest = descriptor ?? standardOutput;
  return { sink: destination({ dest, sync: false, maxLength: limitBytes }), descriptor };
}

/** None where only others may read. */
function readersOwn(cause: unknown): null {
  if (systemCode(cause) === 'EACCES') return null;
  throw cause;
}

/** The descriptor is opened here: a destination that could not open its file would throw when the process exits. */
async function openToAppend(file: string): Promise<number> {
  const standing = await stat(file).catch(() => null);
  if (standing?.isFIFO() !== true) return openFile(file, 'a', fileMode);
  // It would wait for a reader, and all that starts behind it: so somebody has to be there (ENXIO). Should it leave in between, a reader
  // of our own keeps the pipe from waiting: it reads nothing, and is gone before anything is written.
  const open = [await openFile(file, constants.O_WRONLY | constants.O_NONBLOCK)];
  try {
    // A pipe that may only be written to is taken as it is.
    const reader = await openFile(file, constants.O_RDONLY | constants.O_NONBLOCK).catch(readersOwn);
    if (reader !== null) open.push(reader);
    // A reader that is slower for a moment is waited for, by a thread of its own; see isStuck.
    return await openFile(file, 'a');
  } finally {
    open.forEach(closeSync);
  }
}
