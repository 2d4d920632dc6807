import { badValue } from './store-error.ts';

/** Characters of a reason, at most. */
const MOST_CHARACTERS = 200;

/** Throws StoreError where what an operator gives as the reason of a change is too long to be kept. */
export function checkReason(reason: string): void {
  if (reason.length > MOST_CHARACTERS)
    throw badValue('the reason is too long', `use ${MOST_CHARACTERS} characters at most`);
}
