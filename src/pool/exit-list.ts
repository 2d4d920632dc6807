/** Slots to draw from. An Int32Array is one. */
export interface ExitList {
  readonly length: number;
  /** The slot at `index` (0 to length - 1); undefined beyond. */
  at(index: number): number | undefined;
}

/** Lists one after the other, as one; no slot is copied. */
export function joined(parts: readonly Int32Array[]): ExitList {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return {
    length,
    at: (index) => {
      let rest = index;
      for (const part of parts) {
        if (rest < part.length) return part[rest];
        rest -= part.length;
      }
      return undefined;
    },
  };
}
