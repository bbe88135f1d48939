import { resolveOptions } from '../../lib/options/resolve-options.js';
import { Advancer } from '../../lib/workflows/advancer.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { aSite } from './site.js';
import { aStorage, type TestStorage } from './storage.js';

export interface WorkflowRig {
  test: TestStorage;
  workflows: QueueWorkflows;
  advancer: Advancer;
}

/** Workflows without a loop: the duty that goes on with them is turned by hand. */
export async function aWorkflowRig(): Promise<WorkflowRig> {
  const test = await aStorage();
  const workflows = new QueueWorkflows(test.storage, resolveOptions({}).options, test.events);
  return { test, workflows, advancer: new Advancer(aSite(test)) };
}
