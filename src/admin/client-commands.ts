import Type, { type Static } from 'typebox';
import type { QuotaClient } from '../gateway/quotas/quota-books.ts';
import type { QuotaView } from '../gateway/quotas/quota-view.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import { parseRange } from '../protocol/address-range.ts';
import { limitGrammar, parseLimitRule } from '../protocol/limit-rule.ts';
import { parseQuotaRule, quotaFault, quotaGrammar } from '../protocol/quota-rule.ts';
import type { LimitLine } from '../protocol/rate-limit-fields.ts';
import { poolFault } from '../protocol/rule-text.ts';
import { parseParamText } from '../protocol/username.ts';
import type { ClientSettings } from '../store/client-record.ts';
import type { Clients } from '../store/clients.ts';
import { type ClientState, clientView, clientWithSecret } from './client-view.ts';
import { type Command, command } from './command.ts';
import { badArgument, CommandError } from './command-error.ts';
import { parseRule } from './rule-text.ts';

export interface ClientCommandDeps {
  readonly clients: () => Clients;
  readonly pools: () => readonly { readonly pool: string }[];
  readonly registry: () => PoolRegistry;
  /** What is left of a client's limits now; null where no gateway runs, or doesn't know the client. */
  readonly limitsLeft: (client: string) => readonly LimitLine[] | null;
  /** How a client's quotas stand; null where no gateway runs. */
  readonly quotasLeft: (client: QuotaClient) => readonly QuotaView[] | null;
  /** Called after each change, once it is on the disk. */
  readonly onClientsChanged: () => void;
}

const texts = Type.Optional(Type.Array(Type.String()));

/** What can be set of a client, as its user writes it. What is absent stays as it is. */
const settings = Type.Object(
  {
    pools: texts,
    allowIp: texts,
    ipAuth: Type.Optional(Type.Boolean()),
    params: Type.Optional(Type.String()),
    allow: texts,
    deny: texts,
    dialects: texts,
    replyFields: Type.Optional(Type.Union([Type.Literal('on'), Type.Literal('off'), Type.Null()])),
    limits: texts,
    quotas: texts,
  },
  { additionalProperties: false },
);

const named = <Members extends Type.TProperties>(members: Members) =>
  Type.Object({ name: Type.String(), ...members }, { additionalProperties: false });

/** The commands `client.*`. All answer with ClientView but `client.list` (a list of them) and those that make a secret
 *  (ClientWithSecret). */
export function clientCommands(deps: ClientCommandDeps): [string, Command][] {
  const { clients } = deps;
  const view = (name: string) => clientView(clients().showClient(name));
  const changed = <Result>(result: Result): Result => {
    deps.onClientsChanged();
    return result;
  };
  return [
    ['client.list', command(Type.Object({}), () => clients().listClients().map(clientView))],
    ['client.show', command(named({}), ({ name }) => clientState(deps, name))],
    ['client.add', command(named({ settings, withSecret: Type.Boolean() }), (args) => changed(add(deps, args)))],
    [
      'client.set',
      command(named({ settings, removeSecrets: Type.Array(Type.Integer()) }), ({ name, settings, removeSecrets }) => {
        const changes = settingsOf(deps, settings, clients().showClient(name));
        return changed(clientView(clients().updateClient(name, changes, removeSecrets)));
      }),
    ],
    [
      'client.rotate',
      command(named({ dropOld: Type.Boolean() }), ({ name, dropOld }) => {
        const { secret } = clients().rotateSecret(name, { keepOld: !dropOld });
        return changed(clientWithSecret(clients().showClient(name), secret));
      }),
    ],
    ['client.enable', command(named({}), ({ name }) => changed(clientView(clients().setEnabled(name, true))))],
    ['client.disable', command(named({}), ({ name }) => changed(clientView(clients().setEnabled(name, false))))],
    [
      'client.remove',
      command(named({}), ({ name }) => {
        const last = view(name);
        clients().removeClient(name);
        return changed(last);
      }),
    ],
  ];
}

/** A client, and what is left of its limits where a gateway runs that counts them. */
function clientState({ clients, limitsLeft, quotasLeft }: ClientCommandDeps, name: string): ClientState {
  const info = clients().showClient(name);
  return { ...clientView(info), left: limitsLeft(name), quotasLeft: quotasLeft(info) };
}

interface NewClientArgs {
  readonly name: string;
  readonly settings: Static<typeof settings>;
  readonly withSecret: boolean;
}

function add(deps: ClientCommandDeps, { name, settings, withSecret }: NewClientArgs) {
  if (!withSecret && settings.ipAuth !== true) {
    throw badArgument('--no-secret', 'nothing would be left to log in with', 'add --allow-ip CIDR and --ip-auth');
  }
  const blank = { rules: { allow: [], deny: [] } };
  const { client, secret } = deps.clients().addClient({ name, withSecret, ...settingsOf(deps, settings, blank) });
  return clientWithSecret(client, secret);
}

/** Settings as they are stored. Throws CommandError that names the argument. */
function settingsOf(
  deps: ClientCommandDeps,
  given: Static<typeof settings>,
  { rules }: Pick<ClientSettings, 'rules'>,
): Partial<ClientSettings> {
  for (const range of given.allowIp ?? []) checkRange(range);
  if (given.params !== undefined) checkParams(given.params);
  for (const limit of given.limits ?? []) checkLimit(limit, deps.registry);
  for (const quota of given.quotas ?? []) checkQuota(quota, deps.registry);
  const pools = given.pools?.map((pool) => pool.toLowerCase());
  if (pools !== undefined && pools.length > 0) checkPools(pools, deps.pools());
  return {
    pools,
    allowIp: given.allowIp,
    allowIpIsCredential: given.ipAuth,
    params: given.params,
    rules: {
      allow: given.allow?.map((text) => parseRule(text, '--allow')) ?? rules.allow,
      deny: given.deny?.map((text) => parseRule(text, '--deny')) ?? rules.deny,
    },
    dialects: given.dialects,
    replyFields: given.replyFields,
    limits: given.limits,
    quotas: given.quotas,
  };
}

function checkRange(text: string): void {
  if (parseRange(text) !== null) return;
  throw badArgument('--allow-ip', `"${text}" is no address range`, 'write it like 192.0.2.0/24, 2001:db8::/32 or ::1');
}

function checkLimit(text: string, registry: () => PoolRegistry): void {
  const limit = parseLimitRule(text);
  const fault = limit.ok ? poolFault(limit.value, () => registry().pools()) : limit.message;
  if (fault !== null) throw badArgument('--limit', `"${text}": ${fault}`, `write a limit as ${limitGrammar}`);
}

function checkQuota(text: string, registry: () => PoolRegistry): void {
  const quota = parseQuotaRule(text);
  const fault = quota.ok ? quotaFault(quota.value, () => registry().pools()) : quota.message;
  if (fault !== null) throw badArgument('--quota', `"${text}": ${fault}`, `write a quota as ${quotaGrammar}`);
}

function checkParams(text: string): void {
  const params = parseParamText(text);
  if (!params.ok) throw badArgument('--params', params.fault.detail, 'write them like country-us-ttl-10m');
}

function checkPools(names: readonly string[], pools: readonly { readonly pool: string }[]): void {
  const known = pools.map(({ pool }) => pool);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const remedy = known.length === 0 ? 'add a pool file first' : `choose of ${known.join(', ')}`;
  throw new CommandError({ code: 'unknown_pool', message: `--pool: there is no pool "${unknown}"`, remedy });
}
