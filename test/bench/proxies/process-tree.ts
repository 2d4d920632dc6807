import { readdirSync, readFileSync } from 'node:fs';

/** What a process and all that descend from it have taken so far. */
export interface Usage {
  /** Processor time, that of children which have ended included; in steps of 10 ms. */
  readonly cpuSeconds: number;
  readonly residentKiB: number;
}

/** What a line of /proc/PID/stat tells. */
export interface Stat {
  readonly parent: number;
  readonly cpuSeconds: number;
}

/** The kernel tells times in these, whatever its own clock. */
const ticksPerSecond = 100;

/** Reads a line of /proc/PID/stat: proc_pid_stat(5). The second field, a name, may hold anything, parentheses included. */
export function parseStat(line: string): Stat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  // From field 3 on: 4 is ppid, 14 to 17 are utime, stime, cutime, cstime.
  const ticks = fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
  return { parent: Number(fields[1]), cpuSeconds: ticks / ticksPerSecond };
}

/** Adds up the process `root` and its descendants, as they are now. A process that is gone takes nothing. */
export function usageOf(root: number): Usage {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const line = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : null;
    if (line !== null) stats.set(Number(name), parseStat(line));
  }
  let cpuSeconds = 0;
  let residentKiB = 0;
  for (const pid of familyOf(root, stats)) {
    cpuSeconds += stats.get(pid)?.cpuSeconds ?? 0;
    residentKiB += Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
  }
  return { cpuSeconds, residentKiB };
}

/** `root` and all that descend from it. */
export function familyOf(root: number, stats: ReadonlyMap<number, Pick<Stat, 'parent'>>): number[] {
  const family = [root];
  for (const member of family) {
    for (const [pid, { parent }] of stats) if (parent === member) family.push(pid);
  }
  return family;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // it has ended meanwhile
  }
}
