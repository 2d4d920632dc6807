const nothing: readonly string[] = Object.freeze([]);

/** The field lines of one message, in the order, case and number received. Three parallel arrays rather than objects or a map:
 *  order and duplicates survive, and a name such as `__proto__` is only text. */
export class Fields {
  /** As received. */
  readonly names: string[] = [];
  /** Lower-cased, for look-ups. */
  readonly keys: string[] = [];
  /** Latin-1 text, one character an octet, without surrounding white space. */
  readonly values: string[] = [];
  /** The text in which each line stands exactly as it is written from its name and value, and where each begins; null where there
   *  is no such text. */
  #written: { readonly text: string; readonly starts: readonly number[] } | null = null;

  get size(): number {
    return this.names.length;
  }

  /** `key` is the name in lower case, where that is known. */
  append(name: string, value: string, key: string = name.toLowerCase()): void {
    this.names.push(name);
    this.keys.push(key);
    this.values.push(value);
    this.#written = null;
  }

  /** Says that line `i` stands in `text` as `name: value` CRLF, from `starts[i]` to `starts[i + 1]`, for all lines there are. */
  standIn(text: string, starts: readonly number[]): void {
    this.#written = { text, starts };
  }

  /** The lines from `start` to `stop` (exclusive) as they are written: `name: value` CRLF each. */
  lines(start: number, stop: number): string {
    if (this.#written !== null)
      return this.#written.text.slice(this.#written.starts[start], this.#written.starts[stop]);
    let text = '';
    for (let i = start; i < stop; i++) text += `${this.names[i]}: ${this.values[i]}\r\n`;
    return text;
  }

  /** The first value of `key` (lower-case), or undefined. */
  get(key: string): string | undefined {
    const at = this.keys.indexOf(key);
    return at < 0 ? undefined : this.values[at];
  }

  has(key: string): boolean {
    return this.keys.includes(key);
  }

  /** All values of `key` (lower-case), in order. */
  all(key: string): readonly string[] {
    const first = this.keys.indexOf(key);
    if (first < 0) return nothing;
    const found: string[] = [];
    for (let i = first; i < this.keys.length; i++) if (this.keys[i] === key) found.push(this.values[i] ?? '');
    return found;
  }

  /** The comma-separated members of all values of `key`, lower-cased, empty members dropped (RFC 9110 §5.6.1). Only for lists
   *  of tokens: it knows nothing of quotes. */
  tokens(key: string): readonly string[] {
    const first = this.keys.indexOf(key);
    if (first < 0) return nothing;
    const members: string[] = [];
    for (let i = first; i < this.keys.length; i++) if (this.keys[i] === key) addMembers(members, this.values[i] ?? '');
    return members;
  }
}

function addMembers(members: string[], value: string): void {
  // Most lists have one member, which needs no array of its own.
  if (value.includes(',')) for (const member of value.split(',')) addMember(members, member);
  else addMember(members, value);
}

function addMember(members: string[], text: string): void {
  const token = text.trim().toLowerCase();
  if (token !== '') members.push(token);
}
