import { type ConfigFault, formatFault } from '../config/fault.ts';

/** What the gateway says on standard output, a line. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** On standard error. Several lines are one write: nobody else's come between them. */
export function warn(lines: string): void {
  process.stderr.write(`${lines.replaceAll(/^/gm, 'roundabout: ')}\n`);
}

/** A fault of the config that keeps nobody from serving. */
export const remark = (fault: ConfigFault): void => warn(formatFault(fault));
