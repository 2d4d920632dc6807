import type { PickRequest } from '../../src/selection/request.ts';

/** A first attempt's request without a site, a session or a filter, but for what `more` says. */
export function pickRequest(
  given: Pick<PickRequest, 'strategy' | 'list'>,
  more: Partial<PickRequest> = {},
): PickRequest {
  return {
    ...given,
    matches: () => true,
    excluded: [],
    cursor: { next: 0 },
    site: -1,
    ring: 0,
    session: null,
    since: 0,
    retry: false,
    ...more,
  };
}
