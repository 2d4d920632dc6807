import Type, { type StaticDecode } from 'typebox';
import type { BlockRuleConfig, GuardConfig } from './config.ts';
import * as t from './schema-terms.ts';

const phrase = t.text('a text of 1 to 256 characters', /^[^\x00-\x08\x0a-\x1f\x7f]{1,256}$/);
const MOST_MEMBERS = 4;

/** A rule about responses. Texts are looked for as they stand, without regard to case. */
export const blockRule = Type.Refine(
  t.mapping({
    name: t.optional(t.text('a name: 1 to 64 of A-Z a-z 0-9 . _ -', /^[A-Za-z0-9._-]{1,64}$/)),
    site: t.optional(t.suffix()),
    status: t.optional(t.list(t.whole(200, 599))),
    field: t.optional(
      t.mapping({
        name: t.text('the name of a response field', /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/),
        contains: t.text('a text', /^[^\x00-\x08\x0a-\x1f\x7f]{0,256}$/, ''),
      }),
    ),
    body: t.optional(
      Type.Union([phrase, t.list(phrase)], { description: 'a text of 1 to 256 characters, or a list of them' }),
    ),
    upTo: t.optional(t.size({ least: 1, most: 64 * 1024 - 1 })),
    redirect: t.optional(t.suffix()),
    verdict: t.oneOf(['served', 'refused', 'challenge']),
  }),
  ({ site, status, field, body, redirect }) => [site, status, field, body, redirect].some((part) => part !== undefined),
  () => 'expected at least one of site, status, field, body, redirect',
);

/** How sparingly exits are used on a site. */
export const guard = Type.Refine(
  t.mapping({
    site: t.nullable('a domain name', t.suffix()),
    reuseAfter: t.duration('0s', 0),
    clientsPerExit: t.whole(0, MOST_MEMBERS, 0),
    sessionsPerExit: t.whole(0, MOST_MEMBERS, 0),
    forgetAfter: t.duration('24h', 1000),
  }),
  ({ reuseAfter, clientsPerExit, sessionsPerExit }) => reuseAfter !== '0s' || clientsPerExit + sessionsPerExit > 0,
  () => 'expected at least one of reuseAfter, clientsPerExit, sessionsPerExit',
);

/** A rule as it is used: texts in lower case, since they are compared so. */
export function blockRuleOf({ body, field, ...rule }: StaticDecode<typeof blockRule>): BlockRuleConfig {
  const texts = typeof body === 'string' ? [body] : body;
  return {
    ...rule,
    ...(field !== undefined && { field: { name: field.name.toLowerCase(), contains: field.contains.toLowerCase() } }),
    ...(texts !== undefined && { body: texts }),
  };
}

/** A guard as it is used. */
export function guardOf({ reuseAfter, forgetAfter, ...same }: StaticDecode<typeof guard>): GuardConfig {
  return { ...same, reuseAfterMs: reuseAfter, forgetAfterMs: forgetAfter };
}
