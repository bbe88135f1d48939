import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { QueueError } from '../job/queue.errors.js';

const CIPHER = 'aes-256-gcm';
const MARK = 'sealed.';

/** Where a list goes on may hold a group or a key: nobody reads it outside, and only this process takes it back. */
export class Seal {
  private readonly key = randomBytes(32);

  close(text: string): string {
    const iv = randomBytes(12);
    const cipher = createCipheriv(CIPHER, this.key, iv);
    const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
    return MARK + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** @throws QueueError `INVALID_OPTION` for one of another process, or of nobody; also for what leaves sealed alone, and comes without a seal. */
  open(text: string, isSecret: (text: string) => boolean): string {
    if (!text.startsWith(MARK) && !isSecret(text)) return text;
    const bytes = Buffer.from(text.slice(MARK.length), 'base64url');
    try {
      const cipher = createDecipheriv(CIPHER, this.key, bytes.subarray(0, 12), {
        authTagLength: 16,
      });
      cipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([cipher.update(bytes.subarray(28)), cipher.final()]).toString();
    } catch {
      throw new QueueError(
        'INVALID_OPTION',
        'This page of the list was begun by another process: begin the list again.',
      );
    }
  }
}
