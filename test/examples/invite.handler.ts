import { HandleJob, Job, QueueHandler } from 'nestjs-simple-queue';
import { Invitations, Postcards } from './letter.jobs.js';

// #region class
@QueueHandler(Invitations, { concurrency: 5 })
export class SendInvitation {
  process({ id, payload }: Job<{ to: string; party: string; at: Date }>): {
    messageId: string;
    sentAt: string;
  } {
    const text = `${payload.party} on ${payload.at.toDateString()}`;
    return { messageId: `${id}: ${text}`, sentAt: new Date().toISOString() };
  }
}
// #endregion

// #region method
@QueueHandler('letters')
export class OtherLetters {
  @HandleJob(Postcards)
  postcard({ id, payload }: Job<{ to: string; text: string }>): { messageId: string } {
    return { messageId: `${id} to ${payload.to}` };
  }
}
// #endregion
