import { type CatalogueChanges, type CatalogueRecord, CatalogueView } from './catalogue.ts';
import { type DialFacts, FactArena } from './fact-arena.ts';
import { indexPlaces } from './place-index.ts';
import { exitCounts, makeLists } from './slot-lists.ts';
import { type Former, NextSlots, SlotView } from './slot-rows.ts';
import { Term, TermsTable, TermsView, termColumns } from './terms-table.ts';
import { TextTable, TextView } from './text-table.ts';

/** What the dead may take in the tables beside as much as the living before they are made anew. */
const SPARE_OCTETS = 2 ** 20;
const SPARE_TERMS = 4096;

/** The tables that versions share, and how far each was filled. */
class Tables {
  readonly facts = new FactArena();
  readonly terms = new TermsTable();
  readonly places: TextTable;
  readonly labels = new TextTable();

  constructor(keyOfPlace: (name: string) => string) {
    this.places = new TextTable(keyOfPlace);
  }

  get mark(): Mark {
    return {
      facts: this.facts.end,
      terms: this.terms.count,
      places: this.places.count,
      labels: this.labels.count,
    };
  }

  truncate({ facts, terms, places, labels }: Mark): void {
    this.facts.truncate(facts);
    this.terms.truncate(terms);
    this.places.truncate(places);
    this.labels.truncate(labels);
  }
}

interface Mark {
  readonly facts: number;
  readonly terms: number;
  readonly places: number;
  readonly labels: number;
}

/** An exit of the next version: the number of its terms, and its id, 25 bits a word. */
export interface ExitRow {
  readonly terms: number;
  readonly idHigh: number;
  readonly idLow: number;
}

/** The next version while it is made: what stands in no call of `list` or `mint` leaves with it. */
export class NextCatalogue {
  readonly terms: TermsTable;
  readonly places: TextTable;
  readonly labels: TextTable;
  readonly #before: CatalogueView;
  readonly #tables: Tables;
  /** Whether its tables aren't those of the version before. */
  readonly #fresh: boolean;
  readonly #slots: NextSlots;
  #liveOctets = 0;

  constructor(before: CatalogueView, tables: Tables, fresh: boolean) {
    this.terms = tables.terms;
    this.places = tables.places;
    this.labels = tables.labels;
    this.#before = before;
    this.#tables = tables;
    this.#fresh = fresh;
    this.#slots = new NextSlots(before.slots);
  }

  /** How many exits it has so far. */
  get count(): number {
    return this.#slots.standing;
  }

  /** The slot of the exit of this id, or -1 while there is none. */
  slotOfId(high: number, low: number): number {
    return this.#slots.slotOfId(high, low);
  }

  termsOf(slot: number): number {
    return this.#slots.termsOf(slot);
  }

  /** The facts of an exit that was listed. */
  factsOf(slot: number): DialFacts {
    return this.#tables.facts.read(this.#slots.placeOf(slot));
  }

  /** The facts that the exit of this id had in the version before; null where none stood there, or it was minted. */
  formerFactsOf(high: number, low: number): DialFacts | null {
    const slot = this.#before.slots.slotOfId(high, low);
    const place = slot < 0 ? null : this.#factPlaceOf(slot);
    return place === null ? null : this.#before.facts.read(place);
  }

  /** Which session of its template an exit is. */
  sessionOf(slot: number): number {
    return this.#slots.placeOf(slot);
  }

  /** Adds an exit with its own dialling facts. Its id must be free. Returns its slot. */
  list(row: ExitRow, facts: DialFacts): number {
    const { facts: arena } = this.#tables;
    const former = this.#before.slots.slotOfId(row.idHigh, row.idLow);
    const start = arena.append(facts);
    const length = arena.end - start;
    this.#liveOctets += length;
    const standing = former < 0 || this.#fresh ? null : this.#factPlaceOf(former);
    const unchanged = standing !== null && arena.alike(standing, start);
    if (unchanged) arena.truncate(start);
    return this.#slots.place(row, { place: unchanged ? standing : start, former });
  }

  /** Adds an exit whose dialling facts follow from the template among its terms, and a number of its own. */
  mint(row: ExitRow, session: number): number {
    return this.#slots.place(row, { place: session, former: this.#before.slots.slotOfId(row.idHigh, row.idLow) });
  }

  /** Puts other facts in place of a listed exit's, and that one under an id of its own. Returns its slot. */
  relist(
    slot: number,
    { terms, facts }: { readonly terms: number; readonly facts: DialFacts },
    id: { readonly high: number; readonly low: number },
  ): number {
    const ousted = { terms: this.termsOf(slot), facts: this.factsOf(slot) };
    const { facts: arena } = this.#tables;
    const place = arena.append(facts);
    this.#liveOctets += arena.end - place;
    this.#slots.replace(slot, { terms, place });
    return this.list({ terms: ousted.terms, idHigh: id.high, idLow: id.low }, ousted.facts);
  }

  /** Takes over all exits of a pool as they stand. Before any other exit is added, so that their ids are free. */
  keep(pool: string): void {
    const { labels, lists, slots, terms: rows, facts } = this.#before;
    const moved = new Map<number, number>();
    for (const slot of lists.pool(labels.numberOf(pool))) {
      const terms = slots.termsOf(slot);
      const listed = rows.word(terms, Term.template) === 0;
      const row = { terms, idHigh: slots.idHighOf(slot), idLow: slots.idLowOf(slot) };
      let place = slots.placeOf(slot);
      if (listed) this.#liveOctets += facts.lengthAt(place);
      if (this.#fresh) {
        row.terms = moved.get(terms) ?? this.#carryTerms(terms);
        moved.set(terms, row.terms);
        if (listed) place = this.#tables.facts.appendCopy(facts, place);
      }
      this.#slots.place(row, { place, former: slot });
    }
  }

  /** Ends the making. */
  finish(version: number): { record: CatalogueRecord; changes: CatalogueChanges; liveOctets: number } {
    if (this.#fresh) this.#slots.moveFormer((former) => this.#carry(former));
    const { record: slots, added, removed } = this.#slots.finish();
    const { facts, terms } = this.#tables;
    const places = this.places.publish();
    const labels = this.labels.publish();
    const termsView = new TermsView(terms.shared, terms.count);
    const placesView = new TextView(places);
    const slotView = new SlotView(slots);
    const lists = makeLists({
      slots: slotView,
      terms: termsView,
      countryOf: (number) => placesView.keyOf(termsView.word(number, Term.country)),
    });
    const index = indexPlaces({
      slots: slotView,
      terms: termsView,
      exitsOf: exitCounts(lists),
      keyOf: (place) => placesView.keyOf(place),
      keys: places.count,
    });
    const record = {
      version,
      facts: facts.shared,
      terms: { rows: terms.shared, count: terms.count },
      places,
      labels,
      slots,
      lists,
      index,
    };
    return {
      record,
      changes: { added, removed, kept: this.count - added.length },
      liveOctets: this.#liveOctets,
    };
  }

  #factPlaceOf(slot: number): number | null {
    const { slots, terms } = this.#before;
    return terms.word(slots.termsOf(slot), Term.template) === 0 ? slots.placeOf(slot) : null;
  }

  /** Takes over what was known of an exit that leaves: it stays readable for as long as this version stands. */
  #carry({ terms, place }: Former): Former {
    const { terms: rows, facts } = this.#before;
    const listed = rows.word(terms, Term.template) === 0;
    return {
      terms: this.#carryTerms(terms),
      place: listed ? this.#tables.facts.appendCopy(facts, place) : place,
    };
  }

  #carryTerms(terms: number): number {
    const { terms: rows, places, labels } = this.#before;
    const row = termColumns.map(({ term, holds }) => {
      const number = rows.word(terms, term);
      if (holds === 'place') return this.places.intern(places.text(number));
      return holds === 'label' ? this.labels.intern(labels.text(number)) : number;
    });
    return this.terms.intern(row);
  }
}

/** All exits, for the one thread that changes them: makes one version after another, and says what other threads read it by. */
export class CatalogueWriter {
  readonly #keyOfPlace: (name: string) => string;
  #tables: Tables;
  #mark: Mark;
  #record: CatalogueRecord;
  #view: CatalogueView;
  #liveOctets = 0;
  #next: { readonly next: NextCatalogue; readonly tables: Tables } | null = null;

  /** `keyOfPlace` makes what names of places are compared by; it leaves its own results and the empty name as they are. */
  constructor(keyOfPlace: (name: string) => string) {
    this.#keyOfPlace = keyOfPlace;
    this.#tables = new Tables(keyOfPlace);
    this.#mark = this.#tables.mark;
    this.#record = emptyRecord(this.#tables);
    this.#view = new CatalogueView(this.#record);
  }

  get record(): CatalogueRecord {
    return this.#record;
  }

  /** Begins the next version. One that was begun before and not committed is given up without a trace. */
  begin(): NextCatalogue {
    this.#tables.truncate(this.#mark);
    const fresh = this.#isWorn();
    const tables = fresh ? new Tables(this.#keyOfPlace) : this.#tables;
    const next = new NextCatalogue(this.#view, tables, fresh);
    this.#next = { next, tables };
    return next;
  }

  /** Makes the version that was begun last the one that stands. */
  commit(next: NextCatalogue): CatalogueChanges {
    if (this.#next?.next !== next) throw new RangeError('another version was begun since');
    const { record, changes, liveOctets } = next.finish(this.#record.version + 1);
    this.#tables = this.#next.tables;
    this.#next = null;
    this.#mark = this.#tables.mark;
    this.#liveOctets = liveOctets;
    this.#record = record;
    this.#view = new CatalogueView(record);
    return changes;
  }

  /** Whether more of the tables is dead than alive. */
  #isWorn(): boolean {
    if (this.#mark.facts > 2 * this.#liveOctets + SPARE_OCTETS) return true;
    const { terms, lists } = this.#view;
    if (terms.count <= SPARE_TERMS) return false;
    let live = 0;
    for (let number = 0; number < terms.count; number += 1) if (lists.exitsOf(number) > 0) live += 1;
    return terms.count > 2 * live + SPARE_TERMS;
  }
}

function emptyRecord({ facts, terms, places, labels }: Tables): CatalogueRecord {
  const none = () => new SharedArrayBuffer(0);
  return {
    version: 0,
    facts: facts.shared,
    terms: { rows: terms.shared, count: 0 },
    places: places.publish(),
    labels: labels.publish(),
    slots: { rows: none(), index: new SharedArrayBuffer(64), count: 0 },
    lists: { slots: none(), directory: none(), counts: none() },
    index: { termStarts: none(), terms: none(), slotStarts: none(), slots: none() },
  };
}
