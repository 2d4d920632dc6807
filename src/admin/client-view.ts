import type { QuotaView } from '../gateway/quotas/quota-view.ts';
import type { LimitLine } from '../protocol/rate-limit-fields.ts';
import type { ClientInfo } from '../store/client-record.ts';
import { formatRule } from './rule-text.ts';

/** A client as it is shown: everything but its secrets. Times are ISO 8601. */
export interface ClientView {
  /** Its name. */
  readonly client: string;
  readonly enabled: boolean;
  /** Empty: every pool. */
  readonly pools: readonly string[];
  /** Empty: from anywhere. */
  readonly allowIp: readonly string[];
  /** Whether connecting from `allowIp` is a credential by itself. */
  readonly ipAuth: boolean;
  readonly params: string;
  /** In the form that `--allow` and `--deny` take. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly dialects: readonly string[];
  readonly replyFields: 'on' | 'off' | null;
  /** Its own limits, in the form that `--limit` takes. */
  readonly limits: readonly string[];
  /** Its own quotas, in the form that `--quota` takes. */
  readonly quotas: readonly string[];
  readonly secrets: readonly { readonly id: number; readonly createdAt: string }[];
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A client as the running gateway counts it. */
export interface ClientState extends ClientView {
  /** What is left of its limits; null where no gateway runs. */
  readonly left: readonly LimitLine[] | null;
  /** The same of its quotas. */
  readonly quotasLeft: readonly QuotaView[] | null;
}

/** A client that was just made, or got another secret: the one time that the secret is shown. */
export interface ClientWithSecret extends ClientView {
  /** Null where none was asked for. */
  readonly secret: string | null;
}

/** Member by member, so that nothing which the store learns later is shown unasked. */
export function clientView(client: ClientInfo): ClientView {
  return {
    client: client.name,
    enabled: client.enabled,
    pools: client.pools,
    allowIp: client.allowIp,
    ipAuth: client.allowIpIsCredential,
    params: client.params,
    allow: client.rules.allow.map(formatRule),
    deny: client.rules.deny.map(formatRule),
    dialects: client.dialects,
    replyFields: client.replyFields,
    limits: client.limits,
    quotas: client.quotas,
    secrets: client.secrets.map(({ id, createdAt }) => ({ id, createdAt: iso(createdAt) })),
    createdAt: iso(client.createdAt),
    updatedAt: iso(client.updatedAt),
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** The same, with a secret that was just made. */
export function clientWithSecret(info: ClientInfo, secret: string | null): ClientWithSecret {
  const { client, ...more } = clientView(info);
  return { client, secret, ...more };
}
