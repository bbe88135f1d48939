/**
 * The dashboard: a page of the application itself that shows what is stuck, and why, and puts it right.
 * @module nestjs-simple-queue/dashboard
 */
export type { DashboardAccess, DashboardPermission } from './access/access.js';
export { SimpleQueueDashboardModule } from './dashboard.module.js';
export type {
  DashboardRequest,
  SimpleQueueDashboardExtras,
  SimpleQueueDashboardOptions,
} from './dashboard.options.js';
export type { RedactableJob } from './access/redaction.js';
