import type { Socket } from 'node:net';
import { relay } from '../transport/relay.ts';
import type { OpenedTunnel } from '../transport/tunnel.ts';
import { runAttempts } from './attempts.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';
import { openRoute } from './exit-route.ts';

/** Opens the tunnel that a CONNECT or SOCKS5 request asks for. Until this resolves the client has been told nothing, so every
 *  failure of an exit may be repeated elsewhere. Throws GatewayError, or ClientLeft. */
export function openExchangeTunnel(deps: Collaborators, exchange: Exchange): Promise<OpenedTunnel> {
  return runAttempts(deps, exchange, {
    run: (attempt) => openRoute(deps, exchange, attempt),
    mayRepeat: () => true,
    mayHedge: () => true,
    discard: ({ socket }) => socket.destroy(),
  });
}

/** A client's socket that has been told success, and what it sent before. */
export interface TunnelClient {
  readonly socket: Socket;
  readonly early: Buffer;
}

/** Relays between the client and its tunnel until both directions have ended, either side is reset, nothing moves for the idle
 *  limit, or the exchange's own deadline passes. Resolves when both sockets are done with; never rejects. */
export function relayTunnel(
  deps: Collaborators,
  exchange: Exchange,
  sides: { client: TunnelClient; exit: OpenedTunnel },
): Promise<void> {
  const { client, exit } = sides;
  const { timeouts } = deps.settings();
  return new Promise((resolve) => {
    const handle = relay(client.socket, exit.socket, {
      idleMs: timeouts.tunnelIdle,
      earlyA: client.early,
      earlyB: exit.early,
      onEnd: (outcome) => {
        exchange.abort.removeEventListener('abort', cut);
        exchange.clientBytes += outcome.bytesAtoB;
        exchange.originBytes += outcome.bytesBtoA;
        exchange.ending ??= outcome.ended === 'closed' ? 'ok' : 'cut';
        if (outcome.ended !== 'closed')
          exchange.by ??= outcome.by === 'a' ? 'client' : outcome.by === 'b' ? 'origin' : 'gateway';
        resolve();
      },
    });
    const cut = (): void => handle.cut();
    exchange.abort.addEventListener('abort', cut);
  });
}
