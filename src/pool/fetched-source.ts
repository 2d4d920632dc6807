import type { JsonPath } from '../protocol/json-path.ts';

/** A source of exits that is asked again and again. Durations in ms. */
export interface FetchedSource {
  readonly refreshMs: number;
  /** One refresh may take so long as a whole. */
  readonly timeoutMs: number;
  /** Whether a content with less than half of the exits before is believed. */
  readonly shrink: 'refuse' | 'allow';
  readonly from: ListUrl | ApiCall | CommandCall;
}

/** A list by URL. Credentials may stand anywhere in the URL, and in the fields. */
export interface ListUrl {
  readonly kind: 'list';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An API that tells exits as JSON. */
export interface ApiCall {
  readonly kind: 'api';
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** JSON where it isn't a text; null for none. */
  readonly body: unknown;
  readonly items: JsonPath;
  /** The parts of an exit within an item; `line` alone where an item is a line of a list. */
  readonly exit: readonly (readonly [part: string, path: JsonPath])[];
  readonly scheme: string;
  /** Where the URL of the next page stands in a page; null for one page. */
  readonly next: JsonPath | null;
  readonly pace: { readonly perSecond: number; readonly concurrency: number };
}

/** A program whose output is a list. */
export interface CommandCall {
  readonly kind: 'command';
  readonly argv: readonly string[];
  /** Variables that it gets beside the few of ours. Secrets belong here: arguments are seen by everybody on the machine. */
  readonly env: Readonly<Record<string, string>>;
}
