import { within, type LATE } from './within.js';

/** Asks again only when the last answer has grown old; who asks meanwhile shares the question that is under way. */
export class RecentAnswer<Answer> {
  private answer: Promise<Answer> | undefined;
  /** Until then no other is asked for. */
  private freshUntil = Infinity;

  constructor(
    private readonly ask: () => Promise<Answer>,
    private readonly freshMs: number,
  ) {}

  /** The answer, or `LATE` when it takes longer than `timeoutMs`: the question goes on, and later callers share it. A failure is thrown. */
  get(timeoutMs: number): Promise<Answer | typeof LATE> {
    return within(this.recent(), timeoutMs);
  }

  private recent(): Promise<Answer> {
    if (this.answer && performance.now() < this.freshUntil) return this.answer;
    this.freshUntil = Infinity;
    const answered = () => void (this.freshUntil = performance.now() + this.freshMs);
    this.answer = this.ask();
    this.answer.then(answered, answered);
    return this.answer;
  }
}
