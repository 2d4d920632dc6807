import type { GatewayError } from '../errors.ts';
import type { Collaborators } from '../gateway/collaborators.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { ownLabelsOf } from '../gateway/limits/limit-lines.ts';
import { serveExchange } from '../gateway/serve.ts';
import { httpErrorReply } from '../protocol/error-reply.ts';
import type { RequestPlan } from '../protocol/http-message.ts';
import type { ListenerContext } from './context.ts';

const OUR_NAME = 'roundabout';

/** The answer to an exchange that failed. Where it is `doubtful` what follows on the connection, that ends with it. */
export function refusalOf(
  gateway: Collaborators,
  exchange: Exchange,
  { error, plan, doubtful }: { readonly error: GatewayError; readonly plan: RequestPlan; readonly doubtful: boolean },
) {
  return httpErrorReply(error, {
    ...ownLabelsOf(gateway, exchange),
    attempts: exchange.attempts.length,
    method: plan.method,
    minorVersion: plan.minorVersion,
    keepAlive: plan.keepAlive && !doubtful && !gateway.draining(),
    proxyName: OUR_NAME,
  });
}

export interface RefusedHead {
  readonly error: GatewayError;
  readonly method: string;
  readonly source: string;
  /** Sends the answer, and ends the connection. */
  readonly answer: (octets: Buffer) => void;
}

/** Answers what is no request, and books it like any exchange. */
export function refuseHead({ gateway, name }: ListenerContext, { error, method, source, answer }: RefusedHead): void {
  void serveExchange<void>(
    gateway,
    { mode: 'forward', method, listener: name, source },
    {
      line: () => Promise.reject(error),
      refuse: (exchange) => {
        const labels = ownLabelsOf(gateway, exchange);
        const shape = { method, minorVersion: 1, keepAlive: false, attempts: 0, proxyName: OUR_NAME } as const;
        answer(httpErrorReply(error, { ...labels, ...shape }).octets);
      },
    },
  );
}
