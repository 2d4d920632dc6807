/** Why the gateway can't start: lines for people, and the exit code for scripts (1 failed, 2 faults in config or pools). */
export class StartFault extends Error {
  readonly exitCode: number;
  readonly lines: readonly string[];

  constructor(exitCode: number, lines: readonly string[], options?: { cause: unknown }) {
    super(lines.join('\n'), options);
    this.name = 'StartFault';
    this.exitCode = exitCode;
    this.lines = lines;
  }
}
