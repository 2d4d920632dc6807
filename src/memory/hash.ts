/** A text as 32 bits, the same in every process; never 0 (FNV-1a over its code units, mixed). */
export function hashText(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return mix32(hash) || 1;
}

/** Mixes 32 bits so that every bit of the argument changes about half of the result (the finaliser of MurmurHash3). */
export function mix32(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
