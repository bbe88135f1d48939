import type { OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { ON_JOB_EVENT, QUEUE_HANDLER, type QueueHandlerMetadata } from '../job/job-handler.js';
import { QueueError } from '../job/queue.errors.js';
import {
  JOB_EVENT_NAMES,
  type QueueEventListener,
  type QueueEventName,
  type QueueEventBus,
} from '../observability/events.js';
import { closestWord } from '../runtime/closest-word.js';
import { shape } from '../runtime/rules.js';
import { INSTANCE_NAME } from '../options/handler-rules.js';
import { moduleInstances, refuseUnknown } from './module-instance.js';
import { ProvidedClass } from './provided-class.js';

/** Whose events are heard. */
export interface OnJobEventOptions {
  /** Which instance of the module to listen to; default: the one of the class's `@QueueHandler`, else the unnamed one. */
  instance?: string;
}

export interface OnJobEventMetadata {
  name: QueueEventName;
  options: OnJobEventOptions;
}

type Listener = OnJobEventMetadata & { method: string };

const optionRules = shape({ instance: INSTANCE_NAME });

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
    if (method && instance === this.instance) this.events.on(listener.name, method);
  }
}

function refuseProblems(provided: ProvidedClass, { name, options }: Listener, label: string): void {
  const problem = unknownEvent(name) ?? optionRules(options, 'options')[0] ?? wrongScope(provided);
  if (problem) throw new QueueError('HANDLER_INVALID', `${label}: ${problem}.`);
}

function unknownEvent(name: string): string | undefined {
  if (JOB_EVENT_NAMES.includes(name as QueueEventName)) return undefined;
  const closest = closestWord(String(name), JOB_EVENT_NAMES);
  return `there is no such event${closest ? `; did you mean "${closest}"?` : ''}`;
}

function wrongScope(provided: ProvidedClass): string | undefined {
  return (
    provided.scope &&
    `the class is ${provided.scope}-scoped, and an event is no request: no one instance could listen. Move the listener to a singleton`
  );
}
