import { GatewayError } from '../errors.ts';
import { Overload, type OverloadRule } from '../policy/overload.ts';
import type { Counters } from '../telemetry/counters.ts';
import { descriptorOf } from '../transport/descriptor.ts';
import type { Waits } from '../transport/relay-binding.ts';
import type { Socket } from '../transport/socket.ts';

export interface OverloadParts {
  /** Null where the addon is missing: then nothing is refused. */
  readonly waits: Waits | null;
  readonly counters: Counters;
  readonly now: () => number;
  readonly rule: () => OverloadRule | null;
}

/** Tells for each new exchange why it is refused, null to serve it, by how long what its client sent has waited in the kernel: in the
 *  queue of connections to be accepted, and for its turn in the event loop. */
export function overloadOf({
  waits,
  counters,
  now,
  rule,
}: OverloadParts): (client: Socket, readsFrom: number) => GatewayError | null {
  if (waits === null) return () => null;
  const overload = new Overload(rule, now);
  return (client, readsFrom) => {
    const waitedMs = () => Math.min(waits.waited(descriptorOf(client)), now() - readsFrom);
    if (!overload.refuses(waitedMs)) return null;
    counters.refuseForOverload();
    return new GatewayError('overloaded', { detail: 'more is asked than can be served in time' });
  };
}
