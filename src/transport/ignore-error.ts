/** A listener for `error` on a socket whose end shows elsewhere. */
export const ignoreError = (): void => {};
