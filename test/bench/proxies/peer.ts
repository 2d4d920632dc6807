import type { Child } from './children.ts';
import type { Scene } from './scene.ts';

/** A credential that a proxy asks for. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** A proxy that serves. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly login: Login | null;
  /** Has it collect its garbage; absent where there is none. */
  collect?(): void;
  /** Its page of metrics, as text; absent where there is none. */
  page?(): Promise<string>;
  stop(): Promise<void>;
}

/** What a proxy understands. */
export type Speech = 'connect' | 'http' | 'socks5';

/** A proxy that figures can be set beside. */
export interface Peer {
  readonly name: string;
  readonly speaks: readonly Speech[];
  /** How it differs from the gateway in what it is asked to do. */
  readonly about: string;
  /** The package to install, where the program it needs isn't here; else null. */
  missing(): string | null;
  start(scene: Scene): Promise<Running>;
}

/** The credential that every proxy checks which can. */
export const login: Login = { username: 'bench', password: 'secret' };

/** What the exits ask for; they take any. */
export const exitLogin: Login = { username: 'exit', password: 'secret' };

/** What Node loads first in a process that collects its garbage when told by a signal. */
export const collector = new URL('programs/collect.ts', import.meta.url).href;

/** Tells a process with the collector to collect. */
export function collectorOf({ pid }: Pick<Child, 'pid'>): () => void {
  return () => void process.kill(pid, 'SIGUSR2');
}
