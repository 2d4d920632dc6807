/** What the system, or Node, calls the failure behind an error (`ENOENT`, `ERR_STRING_TOO_LONG`); `unknown error` where it has no name
 *  for it. Fit for people to read: unlike the message it shows neither paths nor addresses. */
export function systemCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
}
