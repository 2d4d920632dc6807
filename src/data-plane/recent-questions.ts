import type { RecentFinding, RecentLookUp, RecentQuery } from '../gateway/internal/recent-exchanges.ts';
import type { RecentAnswer, RecentQuestion } from '../threads/worker-messages.ts';

/** An answer that takes longer will not come: nobody was found, in ms. */
const ANSWER_MS = 2_000;

/** A worker's questions about exchanges that may have run in any of them; the control thread asks them all. */
export class RecentQuestions implements RecentLookUp {
  readonly #ask: (question: number, about: RecentQuestion) => void;
  readonly #waiting = new Map<number, (answer: RecentAnswer) => void>();
  #asked = 0;

  constructor(ask: (question: number, about: RecentQuestion) => void) {
    this.#ask = ask;
  }

  async find(query: RecentQuery): Promise<RecentFinding> {
    const answer = await this.#wait({ kind: 'find', query });
    return typeof answer === 'object' ? answer : { exchange: null, ambiguous: false };
  }

  async claim(id: string): Promise<boolean> {
    return (await this.#wait({ kind: 'claim', id })) === true;
  }

  /** The answer to a question has come. */
  told(question: number, answer: RecentAnswer): void {
    this.#waiting.get(question)?.(answer);
  }

  #wait(about: RecentQuestion): Promise<RecentAnswer> {
    const question = this.#asked++;
    return new Promise((resolve) => {
      const settle = (answer: RecentAnswer): void => {
        clearTimeout(deadline);
        this.#waiting.delete(question);
        resolve(answer);
      };
      const deadline = setTimeout(() => settle(false), ANSWER_MS);
      this.#waiting.set(question, settle);
      this.#ask(question, about);
    });
  }
}
