import { badArgument } from '../admin/command-error.ts';
import type { Workplace } from './workplace.ts';

/** One option of a command. */
export interface OptionSpec {
  /** Such as `--pool <name>`, `--ip-auth`, or `--no-secret` for a flag that is on unless given. */
  readonly flags: string;
  readonly describe: string;
  /** It may be given several times. */
  readonly many?: true;
  /** The values that it may have. */
  readonly choices?: readonly string[];
}

/** One command of the command line. */
export interface CommandSpec {
  /** Such as `client add`. */
  readonly path: string;
  readonly summary: string;
  /** For programs: neither help nor manual tell of it. */
  readonly hidden?: true;
  /** Meant where its group alone is named. */
  readonly isDefault?: true;
  /** What its operand means; absent where it takes none. */
  readonly operand?: string;
  /** The words that the operand may be. */
  readonly choices?: readonly string[];
  /** What its operands mean, of which there may be none or many; in place of `operand`. */
  readonly operands?: string;
  /** There must be one of `operands` at least. */
  readonly needsOperands?: true;
  /** What stands behind `operand`, such as `<file>` or `<entries...>`, and what it means. */
  readonly further?: readonly [syntax: string, describe: string];
  readonly options?: readonly OptionSpec[];
  /** More lines for its help. */
  readonly notes?: readonly string[];
  readonly run: (given: Given, workplace: Workplace) => Outcome | Promise<Outcome>;
}

/** What came of a command that did not fail. */
export interface Outcome {
  /** For `--json`; undefined where nothing is printed. */
  readonly json?: unknown;
  /** For `--json` in place of `json`: an array of these, each of which is printed when it comes. */
  readonly items?: AsyncIterable<readonly unknown[]>;
  /** For programs, where `--csv` asks for it; printed as it stands. */
  readonly plain?: readonly string[];
  /** For people; already printable. */
  readonly lines?: readonly string[];
  /** Said on standard error in both cases; already printable. */
  readonly remarks?: readonly string[];
  /** 0 unless told. */
  readonly exitCode?: number;
}

interface CountBounds {
  readonly least?: number;
  readonly most: number;
  readonly remedy: string;
}

/** What was given to a command. Options are named in camel case, as commander does. */
export class Given {
  readonly operand: string;
  readonly operands: readonly string[];
  readonly #options: ReadonlyMap<string, unknown>;

  constructor(operands: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.operands = operands;
    this.operand = operands[0] ?? '';
    this.#options = new Map(Object.entries(options));
  }

  /** The value of an option, undefined where it wasn't given. */
  text(name: string): string | undefined {
    const value = this.#options.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  /** The whole number that an option gives, from `least` (1 unless told) to `most`; undefined where it wasn't given. Throws
   *  CommandError. */
  count(name: string, { least = 1, most, remedy }: CountBounds): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const count = /^[0-9]{1,9}$/.test(text) ? Number(text) : -1;
    if (count >= least && count <= most) return count;
    throw badArgument(`--${name}`, `"${text}" is no number from ${least} to ${most}`, remedy);
  }

  /** The values of an option that may be repeated, undefined where it wasn't given. */
  texts(name: string): string[] | undefined {
    const value = this.#options.get(name);
    return Array.isArray(value) ? value.map(String) : undefined;
  }

  /** A flag, undefined where it is neither given nor on by default. */
  flag(name: string): boolean | undefined {
    const value = this.#options.get(name);
    return typeof value === 'boolean' ? value : undefined;
  }
}
