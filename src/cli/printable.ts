/** Control and format characters (bidirectional marks, zero widths), separators of lines, lone surrogates, private use: what a
 *  terminal would obey, or not show. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

/** One line of text as it may be shown on a terminal: what would not be seen as itself is written as `\u{…}`. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** `value` as one line of JSON that is printable: such characters are escaped as JSON does. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(unprintable, (character) => {
    const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  });
}
