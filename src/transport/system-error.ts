import { getSystemErrorMessage, getSystemErrorName } from 'node:util';

/** A failed call of the system, as Node tells it. */
export function systemError(call: string, result: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(result);
  return Object.assign(new Error(`${call} ${code}: ${getSystemErrorMessage(result)}`), {
    code,
    errno: result,
    syscall: call,
  });
}
