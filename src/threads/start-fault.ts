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

/** Throws what ended a worker before it served as a StartFault. */
export function asStartFault(fault: unknown): never {
  if (fault instanceof StartFault) throw fault;
  const why = fault instanceof Error ? fault.message : String(fault);
  throw new StartFault(1, [`a worker ended before it served: ${why}`], { cause: fault });
}
