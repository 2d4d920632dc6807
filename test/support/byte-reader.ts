import type { Socket } from 'node:net';

/** Reads a socket by numbers of octets or up to a mark, and gives back what lies behind. */
export interface ByteReader {
  /** Exactly `length` octets. Rejects when the peer ends before. */
  take(length: number): Promise<Buffer>;
  /** Everything up to and including `mark`. Rejects when the peer ends before. */
  until(mark: string): Promise<Buffer>;
  /** Stops reading: the socket is paused, and what was read too much stands before what comes. */
  release(): void;
}

/** Takes over reading `socket`, until released. */
export function readBytes(socket: Socket): ByteReader {
  let held: Buffer = Buffer.alloc(0);
  let ended: Error | null = null;
  let wake = () => {};

  const onData = (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    wake();
  };
  const onEnd = () => {
    ended ??= new Error(`the peer ended after ${JSON.stringify(held.toString('latin1').slice(0, 200))}`);
    wake();
  };
  const onError = (cause: Error) => {
    ended = cause;
    wake();
  };
  socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);

  const takeWhen = async (lengthOf: () => number): Promise<Buffer> => {
    for (;;) {
      const length = lengthOf();
      if (length >= 0 && length <= held.length) {
        const taken = held.subarray(0, length);
        held = held.subarray(length);
        return taken;
      }
      if (ended !== null) throw ended;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };

  return {
    take: (length) => takeWhen(() => length),
    until: (mark) =>
      takeWhen(() => {
        const at = held.indexOf(mark);
        return at < 0 ? -1 : at + mark.length;
      }),
    release: () => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
      socket.pause();
      if (held.length > 0) socket.unshift(held);
    },
  };
}
