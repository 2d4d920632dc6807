/** A line has so many characters at most: of a text that is no list nothing longer is held. */
export const LONGEST_LINE = 16_384;

/** Takes a line without its end. Lines are counted from 1. Of one that is too long it is the beginning, still too long. */
export type TakeLine = (line: string, number: number) => void;

/** Cuts a text that comes in parts of any length into lines, ended by LF, CR or CRLF. What was handed on is not held. */
export class LineFeed {
  readonly #take: TakeLine;
  #rest = '';
  #number = 0;

  constructor(take: TakeLine) {
    this.#take = take;
  }

  push(text: string): void {
    const rest = this.#takeEnded(this.#rest + text);
    // The last character is kept, because it may be the CR of a CRLF.
    this.#rest = rest.length > 2 * LONGEST_LINE ? rest.slice(0, LONGEST_LINE + 1) + rest.slice(-1) : rest;
  }

  /** No more comes: what is left is the last line. */
  end(): void {
    if (this.#rest !== '') this.#takeEnded(`${this.#rest}\n`);
    this.#rest = '';
  }

  /** Takes the lines of `text` that have their ends in it, and returns what is left. */
  #takeEnded(text: string): string {
    let feed = -1;
    let carriage = -1;
    for (let start = 0; ; ) {
      // Each is searched for anew only once it is passed, since it may be far away, or nowhere.
      if (feed < start) feed = positionOf('\n', text, start);
      if (carriage < start) carriage = positionOf('\r', text, start);
      const end = Math.min(feed, carriage);
      // Whether a CR at the very end is the whole end of a line shows in the next part.
      if (end === text.length || (end === carriage && end === text.length - 1)) return text.slice(start);
      this.#number += 1;
      this.#take(text.slice(start, end), this.#number);
      start = end + (carriage + 1 === feed ? 2 : 1);
    }
  }
}

/** Where `character` stands next; the end of the text where it doesn't. */
function positionOf(character: string, text: string, start: number): number {
  const position = text.indexOf(character, start);
  return position < 0 ? text.length : position;
}
