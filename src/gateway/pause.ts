import type { AbortView } from '../transport/abort.ts';

/** Resolves after `ms`; rejects with the signal's reason as soon as the exchange is called off. */
export function pause(ms: number, signal: AbortView): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    }, ms);
    signal.addEventListener('abort', leave, { once: true });
  });
}
