import { setTimeout as rest } from 'node:timers/promises';
import { Job, QueueHandler, type JobHandler } from 'nestjs-simple-queue';

export interface Mail {
  to: string;
}

/** A mail server as they are: slow at times, busy at others. */
@QueueHandler('mails', { concurrency: 20, maxAttempts: 3 })
export class SendMail implements JobHandler<Mail> {
  async process({ payload, attempt }: Job<Mail>): Promise<void> {
    await rest(5 + Math.random() * 40);
    if (payload.to === 'busy@example.com' && attempt === 1)
      throw new MailServerBusy('The server asks to come back later.');
    if (payload.to === 'nobody@example.com') throw new UnknownAddress('Nobody has this address.');
  }
}

@QueueHandler('newsletters', { concurrency: 2 })
export class SendNewsletter implements JobHandler<Mail> {
  async process(): Promise<void> {
    await rest(30);
  }
}

/** Their names become the label `error_type`, their messages go nowhere. */
class MailServerBusy extends Error {
  override readonly name = 'MailServerBusy';
}
class UnknownAddress extends Error {
  override readonly name = 'UnknownAddress';
}
