import { defineJob, QueueHandler, type Job } from 'nestjs-simple-queue';

export interface Greeting {
  name: string;
}

/** What both ends know: the queue, its payload, and what the handler returns. */
export const Greetings = defineJob<Greeting, string>()({ queue: 'greetings' });

/** Runs the jobs of the queue. An error fails the attempt, and the job runs again. */
@QueueHandler(Greetings)
export class GreetingsHandler {
  process(job: Job<Greeting>): string {
    return `Hello ${job.payload.name}!`;
  }
}
