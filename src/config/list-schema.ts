import { listFormats, listSchemes } from '../protocol/list-format.ts';
import * as t from './schema-terms.ts';

/** How a list is written. */
export const listFormat = t.oneOf(listFormats, 'auto');

/** What entries of a list are taken for that name no scheme themselves. */
export const listScheme = t.oneOf(listSchemes, 'http');
