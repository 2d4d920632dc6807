import Type from 'typebox';
import type { QuotaClient } from '../gateway/quotas/quota-books.ts';
import type { QuotaView } from '../gateway/quotas/quota-view.ts';
import type { Clients } from '../store/clients.ts';
import { type Command, command } from './command.ts';
import { CommandError } from './command-error.ts';

/** What commands ask about quotas. */
export interface QuotaAnswers {
  /** How the client's quotas stand. */
  viewsOf(client: QuotaClient): readonly QuotaView[];
  /** Begins the client's quota of this name anew, or all of them. Throws StoreError. */
  reset(client: QuotaClient, name: string | null): readonly QuotaView[];
}

export interface QuotaCommandDeps {
  readonly clients: () => Clients;
  readonly quotas: () => QuotaAnswers;
}

/** A quota, and whose it is. */
export interface ClientQuotaView extends QuotaView {
  readonly client: string;
}

/** The commands `quota.*`: both answer with a list of ClientQuotaView. */
export function quotaCommands({ clients, quotas }: QuotaCommandDeps): [string, Command][] {
  const labelled = (client: string, views: readonly QuotaView[]): ClientQuotaView[] =>
    views.map((view) => ({ client, ...view }));
  return [
    [
      'quota.list',
      command(Type.Object({ client: Type.Optional(Type.String()) }, { additionalProperties: false }), ({ client }) => {
        const asked = client === undefined ? clients().listClients() : [clients().showClient(client)];
        return asked.flatMap((one) => labelled(one.name, quotas().viewsOf(one)));
      }),
    ],
    [
      'quota.reset',
      command(
        Type.Object({ client: Type.String(), name: Type.Optional(Type.String()) }, { additionalProperties: false }),
        ({ client, name = null }) => {
          const one = clients().showClient(client);
          const known = quotas().viewsOf(one);
          if (!known.some((view) => name === null || view.name === name)) throw noQuota(client, name, known);
          return labelled(client, quotas().reset(one, name));
        },
      ),
    ],
  ];
}

function noQuota(client: string, name: string | null, known: readonly QuotaView[]): CommandError {
  const names = [...new Set(known.map((view) => `"${view.name}"`))].join(', ');
  return new CommandError({
    code: 'not_found',
    message: name === null ? `client ${client} has no quotas` : `client ${client} has no quota "${name}"`,
    remedy: names === '' ? 'give it one with "roundabout client set NAME --quota"' : `it has ${names}`,
  });
}
