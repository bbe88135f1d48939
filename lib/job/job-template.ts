import type { InTransaction, JobOptions } from './enqueue-options.js';
import type { StandardSchema } from './values/standard-schema.js';

/** What a template may say for all its jobs; the call's own word wins. */
export type TemplateDefaults = Omit<JobOptions, 'id' | 'name' | 'runAt' | 'payloadBytes'>;

declare const TYPES: unique symbol;
/** Symbol.for, so that two copies of the package still know each other's templates. */
const TEMPLATE = Symbol.for('nestjs-simple-queue:template');

/**
 * A kind of job: where it goes, what it carries, what it returns. Made by `defineJob`, used at both ends.
 *
 * `Given` is what an enqueue takes and what is stored, `Payload` what the handler gets; `Answer` is what the handler returns and what is
 * stored, `Output` what a waiter gets. Without transforming schemas the pairs are the same.
 */
export interface JobTemplate<Given = unknown, Payload = Given, Answer = unknown, Output = Answer> {
  readonly queue: string;
  /** `''`: jobs without a name. */
  readonly name: string;
  readonly payload?: StandardSchema<Given, Payload>;
  readonly output?: StandardSchema<Answer, Output>;
  readonly defaults: Readonly<TemplateDefaults>;
  /** Ties the types to the template for the compiler; never set. */
  readonly [TYPES]?: { given: Given; payload: Payload; answer: Answer; output: Output };
}

/** `any`, since a template takes its types in both directions. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyTemplate = JobTemplate<any, any, any, any>;

/** A template whose jobs are read: what was given is not asked for. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type TemplateOf<Payload, Output> = JobTemplate<any, Payload, any, Output>;

/** Whose transaction a change joins, and what its payload has to fit. */
export interface ChangeOptions<Given = unknown> extends InTransaction {
  /** The job's template: its schema checks the payload. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  as?: JobTemplate<Given, any, any, any>;
}

/** How `find` reads the job. */
export interface FindOptions<Payload = unknown, Output = unknown> extends InTransaction {
  /** The job's template: its schemas make payload and output, and the compiler knows their types. */
  as?: TemplateOf<Payload, Output>;
}

/** Where a job goes: a queue by its name, or a template. */
export type JobTarget = string | AnyTemplate;

/** What an enqueue to this target takes; anything, for a queue by its name. */
export type GivenOf<Target extends JobTarget> = Target extends AnyTemplate
  ? TypesOf<Target>['given']
  : unknown;

/** What a handler of this target gets. */
export type PayloadOf<Target extends JobTarget> = Target extends AnyTemplate
  ? TypesOf<Target>['payload']
  : unknown;

/** What a waiter for a job of this target gets. */
export type OutputOf<Target extends JobTarget> = Target extends AnyTemplate
  ? TypesOf<Target>['output']
  : unknown;

/** What its handler returns, as an event has it. */
export type AnswerOf<Target extends JobTarget> = Target extends AnyTemplate
  ? TypesOf<Target>['answer']
  : unknown;

type TypesOf<Template extends AnyTemplate> = NonNullable<Template[typeof TYPES]>;

export function isTemplate(target: unknown): target is AnyTemplate {
  return typeof target === 'object' && target !== null && TEMPLATE in target;
}

/** Marks and freezes what `defineJob` has checked. */
export function asTemplate(checked: AnyTemplate): AnyTemplate {
  return Object.freeze({ ...checked, [TEMPLATE]: true });
}

/** For messages: `receipts`, or `receipts/send`. */
export const templateLabel = ({ queue, name }: Pick<AnyTemplate, 'queue' | 'name'>): string =>
  name === '' ? queue : `${queue}/${name}`;
