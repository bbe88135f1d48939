/** What travels in the queues: ids rather than copies, so that a job always sees the order as it is now. */
export interface OrderJob {
  orderId: string;
}

export interface WebhookJob extends OrderJob {
  url: string;
}

export interface SummaryJob {
  day: string;
}

/** An order has at most one live reminder, and whoever cancels the order can name it without knowing its id. */
export const reminderKey = (orderId: string): string => `reminder:${orderId}`;

/** A day has at most one live summary job, however many orders ask for it. */
export const summaryKey = (day: string): string => `summary:${day}`;
