import Type from 'typebox';
import type { PoolRegistry } from '../pool/registry.ts';
import type { Clients } from '../store/clients.ts';
import { type Command, command } from './command.ts';
import type { Sessions } from './session-commands.ts';

export interface NamesDeps {
  readonly registry: () => PoolRegistry;
  readonly clients: () => Clients;
  readonly sessions: () => Sessions;
}

const kinds = ['pools', 'clients', 'exits', 'sessions'] as const;

const asked = Type.Object(
  {
    kind: Type.Union(kinds.map((kind) => Type.Literal(kind))),
    prefix: Type.String({ maxLength: 255 }),
    limit: Type.Integer({ minimum: 1, maximum: 1_000 }),
  },
  { additionalProperties: false },
);

/** `names` → string[]: names of this kind that begin so, for completion; `limit` at most. */
export function namesCommand({ registry, clients, sessions }: NamesDeps): [string, Command] {
  const all = (kind: (typeof kinds)[number], prefix: string, limit: number): string[] => {
    if (kind === 'exits')
      return registry()
        .slotsOfPrefix(prefix.toLowerCase(), limit)
        .map((slot) => registry().idOf(slot));
    if (kind === 'sessions')
      return sessions()
        .list({}, 1_000)
        .sessions.map(({ session }) => session);
    if (kind === 'clients')
      return clients()
        .listClients()
        .map(({ name }) => name);
    return registry()
      .pools()
      .map(({ name }) => name);
  };
  return [
    'names',
    command(asked, ({ kind, prefix, limit }) => {
      // Of all names those of sessions alone have letters of two cases: they are as their clients write them.
      const begin = kind === 'sessions' ? prefix : prefix.toLowerCase();
      return all(kind, prefix, limit)
        .filter((name) => name.startsWith(begin))
        .slice(0, limit);
    }),
  ];
}
