/** A tunnel is looked at whenever so much has passed, and less near the end of a quota: each goes beyond it by no more. */
const MOST_GRANT = 512 * 1024;
export const LEAST_QUOTA_GRANT = 16 * 1024;

/** While so many octets are left that all tunnels together can't use them up before each is looked at again (see FlowWatch), one may
 *  pass more at once: each time that it must be let go on costs as much as some hundred KiB. */
const FAR_LEFT = 16 * 1024 ** 3;
const FAR_GRANT = 64 * 1024 * 1024;

/** How many octets may pass before a tunnel is looked at again whose quotas have so many left. */
export function grantOf(left: number): number {
  if (left >= FAR_LEFT) return FAR_GRANT;
  return Math.max(LEAST_QUOTA_GRANT, Math.min(MOST_GRANT, Math.floor(left / 16)));
}

/** Whether a grant is of quotas that may come to an end before long. */
export const isScarce = (grant: number): boolean => grant < FAR_GRANT;
