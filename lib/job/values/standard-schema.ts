/**
 * A schema by the Standard Schema specification, version 1: zod, valibot, arktype and others make them (https://standardschema.dev).
 * Only as much of it as the library uses.
 */
export interface StandardSchema<Given = unknown, Parsed = Given> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaAnswer<Parsed> | Promise<SchemaAnswer<Parsed>>;
    readonly types?: { readonly input: Given; readonly output: Parsed } | undefined;
  };
}

export type SchemaAnswer<Parsed> =
  | { readonly value: Parsed; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** `any`, since a schema takes its types in both directions. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnySchema = StandardSchema<any, any>;

/** What goes into a schema, and what comes out of it. */
export type GivenTo<Schema extends AnySchema> = NonNullable<Schema['~standard']['types']>['input'];
export type ParsedBy<Schema extends AnySchema> = NonNullable<
  Schema['~standard']['types']
>['output'];

/** A schema may be a function, as arktype's are. */
export function isSchema(value: unknown): value is AnySchema {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  const standard = (value as Partial<AnySchema>)['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}
