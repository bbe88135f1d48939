import type { OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { ON_JOB_EVENT, QUEUE_HANDLER, type QueueHandlerMetadata } from '../job/job-handler.js';
import { QueueError } from '../job/queue.errors.js';
import {
  isOfQueue,
  unknownEvent,
  type QueueEventListener,
  type QueueEventName,
  type QueueEventBus,
  type QueueEvents,
} from '../observability/events.js';
import { isTemplate, type JobTarget } from '../job/job-template.js';
import { checkQueuePattern, matches } from '../job/values/queue-pattern.js';
import { passes, shape, type Rule } from '../runtime/rules.js';
import { INSTANCE_NAME } from '../options/handler-rules.js';
import { moduleInstances, refuseUnknown } from './module-instance.js';
import { ProvidedClass } from './provided-class.js';

/** Whose events are heard. */
export interface OnJobEventOptions<
  Name extends QueueEventName = QueueEventName,
  Target extends JobTarget = JobTarget,
> {
  /** Which instance of the module to listen to; default: the one of the class's `@QueueHandler`, else the unnamed one. */
  instance?: string;
  /** Only of this queue, of all that a pattern such as `mail.*` means, or of the jobs of a template; default: of every queue. */
  queue?: QueueEvents[Name] extends { queue: string } ? Target : never;
}

export interface OnJobEventMetadata {
  name: QueueEventName;
  options: OnJobEventOptions;
}

type Listener = OnJobEventMetadata & { method: string };

const optionRules = shape({
  instance: INSTANCE_NAME,
  queue: (value, path) => (isTemplate(value) ? [] : passes(checkQueuePattern)(value, path)),
} satisfies Record<keyof OnJobEventOptions, Rule>);

/** Attaches the `@OnJobEvent` methods of all providers and controllers to the events of one module instance. */
export class ListenerExplorer implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly events: QueueEventBus,
    private readonly instance: string,
  ) {}

  /** @throws QueueError `HANDLER_INVALID`: a listener that would never be called stops the start. */
  onModuleInit(): void {
    const instances = moduleInstances(this.discovery);
    for (const provided of ProvidedClass.in(this.discovery)) {
      for (const listener of provided.methodMarks<OnJobEventMetadata>(ON_JOB_EVENT))
        this.attach(provided, listener, instances);
    }
  }

  private attach(provided: ProvidedClass, listener: Listener, instances: string[]): void {
    const label = `@OnJobEvent on ${provided.name}.${listener.method}`;
    refuseProblems(provided, listener, label);
    const instance =
      listener.options.instance ??
      provided.mark<QueueHandlerMetadata>(QUEUE_HANDLER)?.options.instance ??
      'default';
    refuseUnknown(instance, instances, label);
    const method = provided.bound<QueueEventListener<QueueEventName>>(listener.method);
    if (method && instance === this.instance)
      this.events.on(listener.name, ofQueue(method, listener.options.queue));
  }
}

function refuseProblems(provided: ProvidedClass, { name, options }: Listener, label: string): void {
  const problem =
    unknownEvent(name) ??
    optionRules(options, 'options')[0] ??
    ofNoQueue(name, options) ??
    wrongScope(provided);
  if (problem) throw new QueueError('HANDLER_INVALID', `${label}: ${problem}.`);
}

function ofNoQueue(name: QueueEventName, { queue }: OnJobEventOptions): string | undefined {
  if (queue === undefined || isOfQueue(name)) return undefined;
  return `options.queue: the event "${name}" belongs to no queue. Leave the option out`;
}

/** The listener, for those events alone that it is meant for. */
function ofQueue(
  hear: QueueEventListener<QueueEventName>,
  target: JobTarget | undefined,
): QueueEventListener<QueueEventName> {
  if (target === undefined) return hear;
  const { queue: pattern, name: wanted = undefined } = isTemplate(target) ? target : { queue: target }; // prettier-ignore
  return (event) => {
    const { queue, name } = event as { queue: string; name?: string };
    const isMeant = matches(pattern, queue) && (name ?? wanted) === (wanted ?? name);
    return isMeant ? hear(event) : undefined;
  };
}

function wrongScope(provided: ProvidedClass): string | undefined {
  return (
    provided.scope &&
    `the class is ${provided.scope}-scoped, and an event is no request: no one instance could listen. Move the listener to a singleton`
  );
}
