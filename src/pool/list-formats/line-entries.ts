import { isIP } from 'node:net';
import { LONGEST_LINE } from './line-feed.ts';
import type { LineForm, ReadingContext } from './line-form.ts';
import { type EntryReading, faulty, type ListSink, tell } from './listed-exit.ts';
import { pacTokens } from './pac.ts';

/** So many entries are held until it is clear which forms they are in. */
const SAMPLE_ENTRIES = 1000;

interface Entry {
  readonly text: string;
  readonly line: number;
}

export interface LineEntriesOptions extends ReadingContext {
  /** Those that an entry may be in, the likelier first. */
  readonly forms: readonly LineForm[];
  /** Sets of forms of which a list has only one: the one that more of its entries are in and no other. */
  readonly rivals: readonly (readonly LineForm[])[];
}

/** Reads entries of which each is an exit on a line, in one form or several. What an entry fits alone says what is meant by those
 *  that fit more than one; where nothing says it, `question` is to be answered, or those entries are faults. Never guesses. */
export class LineEntries {
  readonly #options: LineEntriesOptions;
  readonly #sink: ListSink;
  #forms: readonly LineForm[];
  /** Forms that some entry of the sample was in, and in no other. */
  readonly #seen = new Set<LineForm>();
  #sample: Entry[] | null = [];
  #question: readonly LineForm[] | null = null;

  constructor(options: LineEntriesOptions, sink: ListSink) {
    this.#options = options;
    this.#forms = options.forms;
    this.#sink = sink;
  }

  /** Forms between which nothing decides but who asked for the list. Entries are held until it is answered or given up. */
  get question(): readonly LineForm[] | null {
    return this.#question;
  }

  /** Takes the next entry: a text without spaces around it. */
  take(text: string, line: number): void {
    if (this.#sample === null) this.#read(text, line);
    else {
      this.#sample.push({ text, line });
      if (this.#sample.length === SAMPLE_ENTRIES) this.settle();
    }
  }

  /** Judges the sample now: no more entries come, or there are enough. */
  settle(): void {
    if (this.#sample === null || this.#question !== null) return;
    const counts = this.#countAlone(this.#sample);
    for (const form of counts.keys()) this.#seen.add(form);
    for (const rivals of this.#options.rivals) this.#dropLosers(rivals, counts);
    this.#question = this.#unclearIn(this.#sample);
    if (this.#question === null) this.#release();
  }

  /** Answers the question. */
  answer(form: LineForm): void {
    this.#forms = this.#forms.filter((one) => one === form || !this.#question?.includes(one));
    this.giveUp();
  }

  /** Leaves the question unanswered: entries that fit several forms are faults. */
  giveUp(): void {
    this.#question = null;
    this.#release();
  }

  #release(): void {
    const held = this.#sample ?? [];
    this.#sample = null;
    for (const { text, line } of held) this.#read(text, line);
  }

  /** How many entries are in each form alone. */
  #countAlone(entries: readonly Entry[]): Map<LineForm, number> {
    const counts = new Map<LineForm, number>();
    for (const { text } of entries) {
      const [only, second] = this.#fits(text);
      if (only !== undefined && second === undefined) counts.set(only.form, (counts.get(only.form) ?? 0) + 1);
    }
    return counts;
  }

  #dropLosers(rivals: readonly LineForm[], counts: ReadonlyMap<LineForm, number>): void {
    const most = Math.max(...rivals.map((form) => counts.get(form) ?? 0));
    const winners = rivals.filter((form) => counts.get(form) === most);
    if (most > 0 && winners.length === 1)
      this.#forms = this.#forms.filter((form) => !rivals.includes(form) || winners.includes(form));
  }

  /** The forms between which the first entry stands that nothing decides about; null where there is none. */
  #unclearIn(entries: readonly Entry[]): readonly LineForm[] | null {
    for (const { text } of entries) {
      const fits = this.#meant(this.#fits(text));
      if (fits.length > 1) return fits.map(({ form }) => form);
    }
    return null;
  }

  #read(text: string, line: number): void {
    if (text.length > LONGEST_LINE) {
      this.#sink.fault(line, 'the line is too long');
      return;
    }
    for (const token of pacTokens(text)) tell(this.#sink, this.#readingOf(token), line);
  }

  #readingOf(text: string): EntryReading {
    const fits = this.#meant(this.#fits(text));
    const [only, second] = fits;
    if (only !== undefined && second === undefined) return only.reading;
    if (second !== undefined) return faulty(unclear(fits.map(({ form }) => form)));
    return this.#whyNot(text);
  }

  /** Every form that an entry is in without a fault. */
  #fits(text: string): Fit[] {
    if (text.length > LONGEST_LINE) return [];
    const fits: Fit[] = [];
    for (const form of this.#forms) {
      const reading = form.read(text, this.#options);
      if (reading === null) continue;
      const isSound = reading.kind !== 'fault';
      if (form.claims === 'shape' || (form.claims === 'exits' && isSound)) return isSound ? [{ form, reading }] : [];
      if (isSound) fits.push({ form, reading });
    }
    return fits.length < 2 ? fits : withAddress(fits);
  }

  /** Of forms that an entry fits, those that the list is known to have; all of them where it is known to have none. */
  #meant(fits: readonly Fit[]): readonly Fit[] {
    if (fits.length < 2) return fits;
    const seen = fits.filter(({ form }) => this.#seen.has(form));
    return seen.length === 0 ? fits : seen;
  }

  /** The fault of a text that is in no form. */
  #whyNot(text: string): EntryReading {
    for (const form of this.#forms) {
      const reading = form.read(text, this.#options);
      if (reading !== null) return reading;
    }
    const { forms } = this.#options;
    const other = forms.find((form) => !this.#forms.includes(form) && form.read(text, this.#options) !== null);
    if (other !== undefined)
      return faulty(`the line is ${other.shape}, and most others are not: bring all into one form`);
    const [only, second] = forms;
    return faulty(
      only !== undefined && (second === undefined || forms.length === 2)
        ? `expected ${only.shape}`
        : 'expected a URL, host:port, host:port:user:password or user:password@host:port',
    );
  }
}

interface Fit {
  readonly form: LineForm;
  readonly reading: EntryReading;
}

/** An IP address is a host, and never a user name: where one reading alone has it so, that is what is meant. */
function withAddress(fits: Fit[]): Fit[] {
  const having = fits.filter(({ reading }) => reading.kind === 'exit' && isIP(reading.exit.endpoint.host) !== 0);
  return having.length === 1 ? having : fits;
}

/** What is said of a text that fits several forms. */
export function unclear(forms: readonly LineForm[]): string {
  const shapes = forms.map(({ shape }) => shape).join(' and ');
  return `this fits ${shapes} alike: say by "format" which it is, ${forms.map(({ name }) => name).join(' or ')}`;
}
