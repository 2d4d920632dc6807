import { FactView } from './fact-arena.ts';
import { PlaceIndex, type PlaceRecord } from './place-index.ts';
import { type ListsRecord, ListsView } from './slot-lists.ts';
import { type SlotRecord, SlotView } from './slot-rows.ts';
import { TermsView } from './terms-table.ts';
import { type TextRecord, TextView } from './text-table.ts';

/** One version of all exits as it is handed to other threads: shared buffers and counts. What it names never changes; the
 *  buffers of facts, terms and texts are shared with later versions, which only append to them. */
export interface CatalogueRecord {
  readonly version: number;
  readonly facts: SharedArrayBuffer;
  readonly terms: { readonly rows: SharedArrayBuffer; readonly count: number };
  readonly places: TextRecord;
  readonly labels: TextRecord;
  readonly slots: SlotRecord;
  readonly lists: ListsRecord;
  readonly index: PlaceRecord;
}

/** How a version differs from the one before, by slot. */
export interface CatalogueChanges {
  /** Slots with an exit that wasn't there before: all figures about such a slot start anew. */
  readonly added: Int32Array;
  /** Slots whose exit has left. */
  readonly removed: Int32Array;
  readonly kept: number;
}

/** Reads one version, in any thread. */
export class CatalogueView {
  readonly version: number;
  readonly facts: FactView;
  readonly terms: TermsView;
  /** Names of places, and what they are compared by. */
  readonly places: TextView;
  /** All other texts. Some hold credentials. */
  readonly labels: TextView;
  readonly slots: SlotView;
  readonly lists: ListsView;
  readonly index: PlaceIndex;

  constructor({ version, facts, terms, places, labels, slots, lists, index }: CatalogueRecord) {
    this.version = version;
    this.facts = new FactView(facts);
    this.terms = new TermsView(terms.rows, terms.count);
    this.places = new TextView(places);
    this.labels = new TextView(labels);
    this.slots = new SlotView(slots);
    this.lists = new ListsView(lists);
    this.index = new PlaceIndex(index);
  }
}
