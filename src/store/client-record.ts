import { parseRange } from '../protocol/address-range.ts';
import { dialects } from '../protocol/dialects.ts';
import { parseLimitRule } from '../protocol/limit-rule.ts';
import { parseQuotaRule } from '../protocol/quota-rule.ts';
import { isClientName, parseParamText } from '../protocol/username.ts';
import { checkRules, type StoredRules } from './client-rules.ts';
import { badValue, StoreError } from './store-error.ts';

/** A secret as it may be shown. */
export interface SecretInfo {
  readonly id: number;
  readonly label: string;
  /** Ms since the epoch. */
  readonly createdAt: number;
}

/** What can be set of a client. */
export interface ClientSettings {
  readonly enabled: boolean;
  /** Ranges that the client may connect from; empty: anywhere. */
  readonly allowIp: readonly string[];
  /** Whether connecting from `allowIp` is a credential by itself. */
  readonly allowIpIsCredential: boolean;
  /** Pools that it may use; empty: any. */
  readonly pools: readonly string[];
  /** Default parameters, as text of the username grammar. */
  readonly params: string;
  readonly rules: StoredRules;
  readonly dialects: readonly string[];
  /** Null: as the listener says. */
  readonly replyFields: 'on' | 'off' | null;
  /** Its own limits, as text: see LimitRule. */
  readonly limits: readonly string[];
  /** Its own quotas, as text: see QuotaRule. */
  readonly quotas: readonly string[];
}

/** A client as it may be shown: without hashes. */
export interface ClientInfo extends ClientSettings {
  readonly name: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly secrets: readonly SecretInfo[];
}

/** A client with the hashes of its secrets, for the gateway only. */
export interface ClientRecord extends ClientInfo {
  readonly secrets: readonly (SecretInfo & { readonly hash: string })[];
}

/** A row of the client table. */
export interface ClientRow {
  readonly name: string;
  readonly enabled: number;
  readonly allow_ip: string;
  readonly allow_ip_is_credential: number;
  readonly pools: string;
  readonly params: string;
  readonly rules: string;
  readonly dialects: string;
  readonly reply_fields: 'on' | 'off' | null;
  readonly limits: string;
  readonly quotas: string;
  readonly created_at: number;
  readonly updated_at: number;
}

/** A new client's settings, where nothing else is asked for. */
export const defaultSettings: ClientSettings = Object.freeze({
  enabled: true,
  allowIp: [],
  allowIpIsCredential: false,
  pools: [],
  params: '',
  rules: { allow: [], deny: [] },
  dialects: [],
  replyFields: null,
  limits: [],
  quotas: [],
});

const poolPattern = /^[A-Za-z0-9._~]{1,64}$/;

/** The settings of a row. What stands in a row was checked before it got there. */
export function settingsOf(row: ClientRow): ClientSettings {
  return {
    enabled: row.enabled === 1,
    allowIp: JSON.parse(row.allow_ip),
    allowIpIsCredential: row.allow_ip_is_credential === 1,
    pools: JSON.parse(row.pools),
    params: row.params,
    rules: JSON.parse(row.rules),
    dialects: JSON.parse(row.dialects),
    replyFields: row.reply_fields,
    limits: JSON.parse(row.limits),
    quotas: JSON.parse(row.quotas),
  };
}

/** A row of checked settings. */
export function rowOf(settings: ClientSettings, key: Pick<ClientRow, 'name' | 'created_at' | 'updated_at'>): ClientRow {
  return {
    ...key,
    enabled: Number(settings.enabled),
    allow_ip: JSON.stringify(settings.allowIp),
    allow_ip_is_credential: Number(settings.allowIpIsCredential),
    pools: JSON.stringify(settings.pools),
    params: settings.params,
    rules: JSON.stringify(settings.rules),
    dialects: JSON.stringify(settings.dialects),
    reply_fields: settings.replyFields,
    limits: JSON.stringify(settings.limits),
    quotas: JSON.stringify(settings.quotas),
  };
}

/** Throws StoreError (bad_name) unless `name` can be a client's. */
export function checkName(name: string): void {
  if (isClientName(name)) return;
  throw new StoreError('bad_name', { detail: 'this cannot be a client name', remedy: 'use 1 to 32 of a-z 0-9 _ .' });
}

/** Throws StoreError (bad_cidr, bad_params, bad_rule, bad_value) where settings don't make sense. Whether a pool exists is the
 *  config's to say. */
export function checkSettings(settings: ClientSettings): void {
  if (!settings.allowIp.every((range) => parseRange(range) !== null)) {
    throw new StoreError('bad_cidr', {
      detail: 'an allowed source is no address range',
      remedy: 'write it like 192.0.2.0/24, 2001:db8::/32 or a single address',
    });
  }
  if (settings.allowIpIsCredential && settings.allowIp.length === 0) {
    throw badValue('without an allow-list the source cannot be the credential', 'name the sources');
  }
  if (!settings.pools.every((pool) => poolPattern.test(pool))) {
    throw badValue('this cannot be the name of a pool', 'use 1 to 64 of A-Z a-z 0-9 . _ ~');
  }
  const unknown = settings.dialects.some((dialect) => !dialects.some((known) => known === dialect));
  if (unknown) throw badValue('a dialect is unknown', `choose of ${dialects.join(', ')}`);
  const params = parseParamText(settings.params);
  if (!params.ok)
    throw new StoreError('bad_params', { detail: params.fault.detail, remedy: 'write them like country-us-ttl-10m' });
  checkRules(settings.rules);
  for (const limit of settings.limits) {
    const reading = parseLimitRule(limit);
    if (!reading.ok)
      throw badValue(`a limit makes no sense: ${reading.message}`, 'write it like requests=10/s burst=20');
  }
  for (const quota of settings.quotas) {
    const reading = parseQuotaRule(quota);
    if (!reading.ok) throw badValue(`a quota makes no sense: ${reading.message}`, 'write it like bytes=50GB/month');
  }
}
