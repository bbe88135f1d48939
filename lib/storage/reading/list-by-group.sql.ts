import { statement } from '../connection/statement.js';

const page = (name: string, condition: string) =>
  statement(
    name,
    `select id from simple_queue.job where ${condition} = $2 and shard = $1 and id < $3::uuid order by id desc limit $4::int`,
  );

/** A page of the live jobs of a group, newest id first. What has ended has no index for it, and is found where it is kept. */
export const LIST_BY_GROUP = page('list_by_group', 'group_name');

/** The same of a workflow. */
export const LIST_BY_WORKFLOW = page('list_by_workflow', `options ->> 'workflowId'::text`);
