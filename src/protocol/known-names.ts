/** A field name as it is often written, and its lower-case key. */
export interface FieldName {
  readonly name: string;
  readonly key: string;
}

/** Keys of fields that most heads consist of. */
const keys = [
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'accept-ranges',
  'access-control-allow-origin',
  'age',
  'allow',
  'alt-svc',
  'authorization',
  'cache-control',
  'cf-cache-status',
  'cf-ray',
  'connection',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-security-policy',
  'content-type',
  'cookie',
  'date',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'keep-alive',
  'last-modified',
  'link',
  'location',
  'origin',
  'permissions-policy',
  'pragma',
  'priority',
  'proxy-authorization',
  'proxy-connection',
  'proxy-status',
  'range',
  'referer',
  'referrer-policy',
  'retry-after',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'server',
  'server-timing',
  'set-cookie',
  'strict-transport-security',
  'transfer-encoding',
  'upgrade-insecure-requests',
  'user-agent',
  'vary',
  'via',
  'x-cache',
  'x-content-type-options',
  'x-frame-options',
  'x-powered-by',
  'x-request-id',
  'x-xss-protection',
] as const;

/** Those that are capitalised otherwise than word by word. */
const others: readonly FieldName[] = [
  { name: 'DNT', key: 'dnt' },
  { name: 'ETag', key: 'etag' },
  { name: 'TE', key: 'te' },
  { name: 'etag', key: 'etag' },
  { name: 'CF-RAY', key: 'cf-ray' },
  { name: 'WWW-Authenticate', key: 'www-authenticate' },
  { name: 'X-XSS-Protection', key: 'x-xss-protection' },
];

const capitalised = (key: string): string => key.replace(/(?<![a-z])[a-z]/g, (letter) => letter.toUpperCase());

const BUCKETS = 512;

const bucketOf = (length: number, first: number, last: number): number =>
  (length * 53 + first * 7 + last * 13) & (BUCKETS - 1);

/** By length, first and last character; few buckets hold more than one. */
const table: readonly (readonly FieldName[])[] = tableOf([
  ...keys.flatMap((key) => [
    { name: key, key },
    { name: capitalised(key), key },
  ]),
  ...others,
]);

/** The name that stands in `text` from `start` to `end`, if it is one that most heads hold, and its key: to find them costs a
 *  third of making them. Null for any other. */
export function knownName(text: string, start: number, end: number): FieldName | null {
  const bucket = table[bucketOf(end - start, text.charCodeAt(start), text.charCodeAt(end - 1))];
  if (bucket === undefined) return null;
  for (const known of bucket) if (known.name.length === end - start && text.startsWith(known.name, start)) return known;
  return null;
}

function tableOf(names: readonly FieldName[]): readonly (readonly FieldName[])[] {
  const buckets: FieldName[][] = Array.from({ length: BUCKETS }, () => []);
  for (const field of names) {
    const { name } = field;
    buckets[bucketOf(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1))]?.push(field);
  }
  return buckets;
}
