import { type CertificateFiles, type CertificatePair, validityOf } from '../listener/certificate.ts';
import { countOf } from '../protocol/count-text.ts';

const dayMs = 86_400_000;
/** What a person needs to get a new one. */
const NOTICE_MS = 14 * dayMs;
/** One that is good for days is renewed by a program, when a third of its time is left as a rule: no sooner is it late. */
const NOTICE_SHARE = 1 / 4;

/** When a certificate begins and ends, and what is said when its end is near. */
export interface CertificateEnd {
  /** Unix time in ms. */
  readonly fromMs: number;
  /** Unix time in ms. */
  readonly untilMs: number;
  /** From when on it is said, in ms of Unix time. */
  readonly noticeMs: number;
}

/** The end of `pair`, of which notice is given 14 days before, or a quarter of its whole time where that is less. */
export function endOf(pair: CertificatePair): CertificateEnd {
  const { fromMs, untilMs } = validityOf(pair);
  return { fromMs, untilMs, noticeMs: untilMs - Math.min(NOTICE_MS, (untilMs - fromMs) * NOTICE_SHARE) };
}

export interface EndingCertificate {
  readonly listener: string;
  readonly files: CertificateFiles;
  /** Whether the gateway makes it itself. */
  readonly isOwn: boolean;
  readonly end: CertificateEnd;
}

/** What is to be said of its end at `nowMs`, another text every day; null while that is far. */
export function endingText({ listener, files, isOwn, end }: EndingCertificate, nowMs: number): string | null {
  const { untilMs, noticeMs } = end;
  if (nowMs < noticeMs) return null;
  const days = Math.floor((untilMs - nowMs) / dayMs);
  const when = days < 0 ? 'has ended' : days === 0 ? 'ends in less than a day' : `ends in ${countOf(days, 'day')}`;
  const own =
    days > 0 ? 'the next start makes a new one, or else the gateway on its last day' : 'a new one is made now';
  const remedy = isOwn ? own : 'a new one is taken up as soon as it stands there';
  return `listener ${listener}: certificate ${files.cert} ${when}, at ${new Date(untilMs).toISOString()}; ${remedy}`;
}
