import Type, { type Static } from 'typebox';
import { type Command, command } from './command.ts';
import { CommandError } from './command-error.ts';
import type { SessionList, SessionView } from './session-view.ts';

/** Sessions asked for by client, exit, or name; what is absent doesn't matter. */
export interface SessionFilter {
  readonly client?: string;
  readonly exit?: string;
  readonly session?: string;
}

/** What commands do with the sessions of a running gateway. Once `move` or `end` returns, that survives a power cut: they throw StoreError
 *  where it can't be kept. */
export interface Sessions {
  /** Those that pass, up to `limit`, and how many more. */
  list(filter: SessionFilter, limit: number): SessionList;
  /** Gives the session another exit. Returns it as it is then; null where no other exit is left for it. */
  move(session: SessionView): SessionView | null;
  /** Ends it, so that its next request begins a new one. */
  end(session: SessionView): void;
}

const DEFAULT_LIMIT = 1_000;

const text = Type.Optional(Type.String());
const listed = Type.Object(
  { client: text, exit: text, limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })) },
  { additionalProperties: false },
);
const named = Type.Object({ name: Type.String(), client: text }, { additionalProperties: false });

/** The commands `session.*`: `list` answers with SessionList, the others with SessionView. */
export function sessionCommands(sessions: () => Sessions): [string, Command][] {
  return [
    [
      'session.list',
      command(listed, ({ limit = DEFAULT_LIMIT, client, exit }) => sessions().list({ client, exit }, limit)),
    ],
    ['session.show', command(named, (args) => find(sessions(), args))],
    [
      'session.move',
      command(named, (args) => {
        const moved = sessions().move(find(sessions(), args));
        if (moved !== null) return moved;
        throw new CommandError({
          code: 'not_found',
          message: 'no other exit is left for the session',
          remedy: 'end it with "roundabout session end", so that its next request begins a new one',
        });
      }),
    ],
    [
      'session.end',
      command(named, (args) => {
        const session = find(sessions(), args);
        sessions().end(session);
        return session;
      }),
    ],
  ];
}

/** The one session of this name. Throws CommandError: not_found, or bad_argument where several clients have one. */
function find(sessions: Sessions, { name, client }: Static<typeof named>): SessionView {
  const { sessions: found, more } = sessions.list({ client, session: name }, 2);
  const [session, another] = found;
  if (session === undefined) {
    const whose = client === undefined ? '' : ` of client "${client}"`;
    throw new CommandError({
      code: 'not_found',
      message: `there is no session "${name}"${whose}`,
      remedy: 'see "roundabout session list"',
    });
  }
  if (another === undefined) return session;
  throw new CommandError({
    code: 'bad_argument',
    message: `${found.length + more} clients have a session "${name}"`,
    remedy: 'say whose it is with --client NAME',
  });
}
