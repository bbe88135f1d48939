/**
 * Workflows: jobs that wait for other jobs.
 * @module nestjs-simple-queue/workflows
 */
export { step, type AddedStep } from './job/added-step.js';
export { batch, item, type BatchDraft } from './workflows/batch.js';
export { workflow, WorkflowDraft, type AnyWorkflow, type OutputsOf } from './workflows/builder.js';
export { QueueWorkflows } from './workflows/queue-workflows.js';
export type { WorkflowWaitOptions } from './workflows/workflow-wait.js';
export type { JobOutcome } from './job/job-outcome.js';
export type {
  CancelWorkflowOptions,
  Compensation,
  FoundCompensation,
  FoundStep,
  FoundWorkflow,
  ListWorkflowsOptions,
  StartedWorkflow,
  StartOptions,
  StepCondition,
  StepJobOptions,
  StepOptions,
  StepState,
  WorkflowEnd,
  WorkflowState,
  WorkflowSummary,
} from './job/workflow.js';
