import type { By, ErrorKind } from '../../src/errors.ts';
import type { Cell, Question } from './error-clients.ts';
import type { World } from './error-world.ts';

/** What a scene's reply says other than the catalogue's row. */
export interface Expected {
  readonly status?: number;
  readonly proxyStatus?: string;
  readonly by?: By;
  readonly receivedStatus?: number;
  /** Attempts made: 1 where an exit or origin is to blame, 0 otherwise. */
  readonly attempts?: number;
  readonly closes?: boolean;
  /** For SOCKS5: the REP octet; or that it never came to one, because the greeting (0xFF) or the login (RFC 1929) was refused, or
   *  the connection just closed. */
  readonly socks5?: number | 'greeting' | 'login' | 'closed';
  /** Whether it stands in the access log: a connection refused as it is accepted is no exchange. */
  readonly logged?: boolean;
}

/** One way to provoke an error. */
export interface Scene {
  readonly title: string;
  /** The pool that is asked for, `direct` unless told. */
  readonly pool?: string;
  /** More parameters of the user name. */
  readonly parameters?: string;
  /** Asks the gateway that soon gives up clients who don't go on. */
  readonly hasty?: boolean;
  /** What of the question is not as usual: the tester asks for the good origin. */
  readonly ask?: (world: World, usual: Question, cell: Cell) => Partial<Question>;
  readonly prepare?: (world: World, usual: Question, cell: Cell) => Promise<void>;
  /** Takes back what was prepared, whatever became of it. */
  readonly undo?: (world: World) => Promise<void> | void;
  readonly expect?: Expected;
}

/** The scenes of a cell, or why it cannot occur. */
export type CellEntry = readonly Scene[] | string;

/** How each kind is provoked in each cell. */
export type ErrorTable = Readonly<Record<ErrorKind, Readonly<Record<Cell, CellEntry>>>>;
