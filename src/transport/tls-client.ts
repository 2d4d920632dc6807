import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Cutoff } from './cutoff.ts';
import { type Blame, dialTimeout, tlsFailure } from './dial-failure.ts';
import { speaksOver } from './reset-socket.ts';

/** With whom TLS is to be spoken, and how. */
export interface SecureOptions {
  readonly host: string;
  readonly servername?: string;
  readonly blame: Blame;
  readonly context: tls.SecureContext;
  readonly verify?: boolean;
}

/** TLS as a client over `raw`, within the cutoff. Rejects with exit_tls, a time-out by `blame`, or the cutoff's signal; then `raw`
 *  is destroyed. */
export function secureStream(raw: Duplex, options: SecureOptions, cutoff: Cutoff): Promise<tls.TLSSocket> {
  const { servername = options.host } = options;
  return cutoff.wait(
    () => dialTimeout(options.blame, 'TLS handshake'),
    (resolve, reject) => {
      const socket = tls.connect({
        socket: raw,
        // The name that the certificate is checked against where none is sent.
        host: servername,
        servername: isIP(servername) === 0 ? servername : undefined,
        secureContext: options.context,
        rejectUnauthorized: options.verify !== false,
        ALPNProtocols: ['http/1.1'],
      });
      speaksOver(socket, raw);
      let secured = false;
      const done = (): void => {
        secured = true;
        resolve(socket);
      };
      const lost = (error?: Error): void => reject(tlsFailure(socket, error));
      const closed = (): void => lost();
      // Of a fault behind the handshake Node tells, and goes on waiting.
      const failed = (): void => void socket.destroy();
      socket.on('error', failed).once('secureConnect', done).once('error', lost).once('close', closed);
      return () => {
        socket.off('secureConnect', done).off('error', lost).off('close', closed);
        if (secured) return;
        socket.destroy();
        raw.destroy();
      };
    },
  );
}
