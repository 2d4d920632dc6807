import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ReadStream } from 'node:tty';

/** Somebody who sees what is said and can be asked. */
export interface Terminal {
  say(lines: readonly string[]): void;
  /** What was answered; empty where nothing was. */
  ask(question: string): Promise<string>;
}

/** The terminal of this process; null where there is none, or nobody would see what is said. It is asked beside standard input, which
 *  may be a list. */
export function openTerminal(): Terminal | null {
  if (!process.stdout.isTTY) return null;
  try {
    closeSync(openSync('/dev/tty', 'r'));
  } catch {
    return null;
  }
  return {
    say: (lines) => {
      process.stdout.write(`${lines.join('\n')}\n`);
    },
    ask,
  };
}

function ask(question: string): Promise<string> {
  process.stdout.write(question);
  const input = new ReadStream(openSync('/dev/tty', 'r'));
  // The terminal stays as it is, so that it interrupts this process as usual.
  const lines = createInterface({ input, terminal: false });
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line.trim());
      lines.close();
    });
    lines.once('close', () => {
      resolve('');
      input.destroy();
    });
  });
}
