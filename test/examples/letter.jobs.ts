// #region template
import { defineJob, exponential } from 'nestjs-simple-queue';
import { z } from 'zod';

/** Dates travel as text: the schema parses them at both ends. */
const moment = z.iso.datetime().transform((text) => new Date(text));

export const Invitations = defineJob({
  queue: 'letters',
  name: 'invitation',
  payload: z.object({ to: z.email(), party: z.string(), at: moment }),
  output: z.object({ messageId: z.string(), sentAt: moment }),
  defaults: { maxAttempts: 5, backoff: exponential({ baseMs: 500 }) },
});
// #endregion

// #region plain
/** Types without a schema: checked by the compiler, by nobody else. */
export const Postcards = defineJob<{ to: string; text: string }, { messageId: string }>()({
  queue: 'letters',
  name: 'postcard',
});
// #endregion
