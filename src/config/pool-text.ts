import { isMap, isSeq, parseDocument } from 'yaml';

/** The text of a pool file that names one list. */
export function newPoolText(pool: string, list: string): string {
  // Other names could be numbers, or words that mean something in YAML.
  const isPlain = /^[a-z]\w*$/.test(pool) && !/^(?:true|false|null)$/.test(pool);
  return `pool: ${isPlain ? pool : JSON.stringify(pool)}\nexits:\n  - list: ${list}\n`;
}

/** The text of a pool file with one more list at the end of its exits. Its comments stay, and, where its exits stand one below the
 *  other, every other character as well. `text` is a pool file without faults. */
export function withList(text: string, list: string): string {
  const wanted = parseDocument(text);
  if (!wanted.hasIn(['exits'])) wanted.setIn(['exits'], wanted.createNode([]));
  const entry = wanted.createNode({ list });
  if (isSeq(wanted.getIn(['exits']))) wanted.addIn(['exits'], entry);
  else wanted.setIn(['exits'], wanted.createNode([{ list }]));
  const spliced = splice(text, list);
  const same = spliced !== null && JSON.stringify(parseDocument(spliced).toJS()) === JSON.stringify(wanted.toJS());
  return spliced !== null && same ? spliced : wanted.toString({ lineWidth: 0 });
}

/** The text with a line more behind the last exit; null where exits have no lines of their own. */
function splice(text: string, list: string): string | null {
  const { contents } = parseDocument(text);
  const exits = isMap(contents) ? contents.get('exits') : null;
  if (!isSeq(exits) || exits.flow === true || exits.items.length === 0 || !exits.range) return null;
  const [start, end] = exits.range;
  const indent = start - (text.lastIndexOf('\n', start - 1) + 1);
  const feed = text.indexOf('\n', Math.max(end - 1, 0));
  const stop = feed < 0 ? text.length : feed + 1;
  const before = text.slice(0, stop);
  return `${before}${before.endsWith('\n') ? '' : '\n'}${' '.repeat(indent)}- list: ${list}\n${text.slice(stop)}`;
}
