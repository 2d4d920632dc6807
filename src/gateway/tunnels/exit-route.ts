import type { GatewayError } from '../../errors.ts';
import { type OpenedTunnel, openTunnel } from '../../transport/tunnel.ts';
import type { Attempt } from '../attempt-run.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import { closeFailed } from '../late-octets.ts';

/** What lies unread when a connection is cut has been sent, and is paid for: under a quota no more than so many octets may, so that it
 *  goes beyond by less than 1 MiB. */
const MOST_UNREAD = 256 * 1024;

/** How much the system may hold unread of what an exit sends for this exchange. */
export const mostUnread = ({ quota }: Exchange): number | undefined => (quota === null ? undefined : MOST_UNREAD);

/** The same of the connection that a route is dialled by. Most tunnels never move so much: of plain TCP the relay sees to it. */
function mostUnreadAtDial(exchange: Exchange, { choice }: Attempt): number | undefined {
  const isRelayed = exchange.mode !== 'forward' && choice.endpoint.scheme !== 'https';
  return isRelayed ? undefined : mostUnread(exchange);
}

/** Opens a tunnel to the exchange's origin over the attempt's exit, within its share of the time. Names that are resolved here
 *  are judged address by address, and dialled at the very address judged. `turn`: see TunnelRequest. */
export function openRoute(
  deps: Collaborators,
  exchange: Exchange,
  { attempt, turn }: { readonly attempt: Attempt; readonly turn?: () => Promise<void> | null },
): Promise<OpenedTunnel> {
  const { admission, authority } = exchange;
  const { exit, endpoint } = attempt.choice;
  if (admission === null || authority === null)
    throw new Error('an exchange needs its admission and authority to leave');
  const settings = deps.settings();
  const { dial } = settings.timeouts;
  return openTunnel(
    { dialler: deps.dialler, exitErrors: settings.exitErrors, heads: settings.heads },
    { endpoint, verifyTls: exit.verifyTls, ca: exit.ca },
    {
      authority,
      deadlineMs: Math.min(dial, attempt.wayMs),
      signal: attempt.signal,
      mostUnread: mostUnreadAtDial(exchange, attempt),
      giveUp: (socket, cause) => closeFailed(deps, socket, cause),
      ...(turn !== undefined && { turn: () => turn()?.then(() => Math.min(dial, attempt.shareMs)) ?? null }),
      onWire: (socket) => attempt.meter.dialled(socket),
      dns: admission.params.dns ?? exit.dns,
      family: admission.params.ip ?? 0,
      judge: (address) => judgeAddress(deps, exchange, { address, pool: exit.pool }),
      judgeExit: (address) => deps.rules().judgeEndpoint(address, endpoint.port),
    },
  );
}

/** The verdict of the rules on an address that we resolved for this exchange, by the pool of its exit. */
function judgeAddress(
  deps: Collaborators,
  exchange: Exchange,
  { address, pool }: { address: string; pool: string },
): GatewayError | null {
  const { admission, authority } = exchange;
  if (admission === null || authority === null) return null;
  return deps.rules().judgeAddress(address, authority.port, {
    pool,
    client: admission.client.rules,
    method: exchange.mode === 'forward' ? 'forward' : 'connect',
    host: authority.host,
  });
}
