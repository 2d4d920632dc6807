import { Fields } from '../../src/protocol/fields.ts';
import type { BlockRules, SeenResponse } from '../../src/signals/block-rules.ts';
import type { Verdict } from '../../src/signals/verdict.ts';

/** A response as a test writes it. */
export interface Sample {
  readonly status: number;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly host?: string;
}

/** The response, its length known. */
export function seen({ status, fields = {}, body = '', host = 'www.shop.example' }: Sample): SeenResponse {
  const lines = new Fields();
  for (const [name, value] of Object.entries(fields)) lines.append(name, value);
  return { host, status, fields: lines, size: Buffer.byteLength(body) };
}

/** Judged as the gateway does it: by the head where that is enough, or else with the content. */
export function judged(rules: BlockRules, sample: Sample): Verdict {
  const judgement = rules.judgeHead(seen(sample));
  if ('verdict' in judgement) return judgement.verdict;
  return rules.judge(seen(sample), Buffer.from(sample.body ?? ''));
}
