import { QueueError } from '../queue.errors.js';

const TOKENS = /"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*|\s+/g;

/** JSON as somebody wrote it, without blanks: numbers keep digits that JavaScript has no room for. */
export class JsonText {
  /** What JavaScript reads of it. */
  readonly value: unknown;

  /** @throws QueueError `INVALID_PAYLOAD` */
  constructor(private readonly given: string) {
    try {
      this.value = JSON.parse(given);
    } catch {
      throw new QueueError('INVALID_PAYLOAD', 'The payload is not JSON.');
    }
  }

  /** With something in the place of each number. */
  text(instead: (number: string) => string = (number) => number): string {
    return this.given.replace(TOKENS, (token) => {
      if (token.startsWith('"')) return JSON.stringify(JSON.parse(token));
      return /\d/.test(token) ? instead(token) : '';
    });
  }

  toJSON(): unknown {
    return this.value;
  }
}
