/** TLS content types (RFC 8446 §5.1) that a tunnel's first record may have; `none` stands for what is no TLS. */
export const RecordType = Object.freeze({ none: 0, alert: 21, handshake: 22 });

/** The first of what one side of a tunnel sent, in numbers alone, so that whoever moves the octets can tell it. */
export interface FirstRecord {
  /** When it came, in ms since the tunnel began; -1 where nothing ever came. */
  readonly firstAtMs: number;
  /** Its TLS content type; 0 where it is no TLS record, or not a whole head of one. */
  readonly firstType: number;
  /** The record's length as its head says; 0 of what is no TLS. */
  readonly firstLength: number;
}

/** All that a tunnel shows from outside. */
export interface TunnelFacts {
  readonly client: FirstRecord;
  readonly origin: FirstRecord;
  readonly clientBytes: number;
  readonly originBytes: number;
  readonly durationMs: number;
  /** As the relay tells it; `by` is the side that was reset. */
  readonly ended: 'closed' | 'reset' | 'idle' | 'cut';
  readonly by: 'client' | 'origin' | null;
  /** Whose FIN came first; null where none came. */
  readonly closedFirst: 'client' | 'origin' | null;
}

/** The first octets of a side, as a relay saw them. */
export interface FirstOctets {
  readonly afterMs: number;
  readonly tlsRecord: { readonly type: number; readonly length: number } | null;
}

/** How a relay ended: side `a` is the client's, side `b` the exit's. */
export interface RelayEnd {
  readonly bytesAtoB: number;
  readonly bytesBtoA: number;
  readonly ended: TunnelFacts['ended'];
  readonly by: 'a' | 'b' | null;
  /** Null where nothing came. */
  readonly firstFromA: FirstOctets | null;
  readonly firstFromB: FirstOctets | null;
  readonly endedFirst: 'a' | 'b' | null;
}

/** What a tunnel showed, by what its relay tells at the end of it. */
export function tunnelFactsOf(end: RelayEnd, durationMs: number): TunnelFacts {
  return {
    client: firstRecordOf(end.firstFromA),
    origin: firstRecordOf(end.firstFromB),
    clientBytes: end.bytesAtoB,
    originBytes: end.bytesBtoA,
    durationMs,
    ended: end.ended,
    by: partyOf(end.by),
    closedFirst: partyOf(end.endedFirst),
  };
}

function firstRecordOf(first: FirstOctets | null): FirstRecord {
  if (first === null) return { firstAtMs: -1, firstType: RecordType.none, firstLength: 0 };
  const { type, length } = first.tlsRecord ?? { type: RecordType.none, length: 0 };
  return { firstAtMs: first.afterMs, firstType: type, firstLength: length };
}

function partyOf(side: 'a' | 'b' | null): 'client' | 'origin' | null {
  if (side === null) return null;
  return side === 'a' ? 'client' : 'origin';
}
