import { MetadataScanner, ModuleRef, type DiscoveryService } from '@nestjs/core';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];
type Module = NonNullable<InstanceWrapper['host']>;
type Class = abstract new (...args: never[]) => object;
type Method = (...args: never[]) => unknown;

/** A class that the application provides, and its instance. */
export class ProvidedClass {
  private constructor(
    readonly type: Class,
    private readonly wrapper: InstanceWrapper,
  ) {}

  /**
   * All provided classes. Nest 11 finds no factory-made ones by a metadata key, so they are looked through one by one. An alias (`useExisting`)
   * is the class that it names, which comes by itself.
   */
  static *in(discovery: DiscoveryService): Iterable<ProvidedClass> {
    for (const wrapper of [...discovery.getProviders(), ...discovery.getControllers()]) {
      const type = wrapper.isAlias ? undefined : typeOf(wrapper);
      if (type) yield new ProvidedClass(type, wrapper);
    }
  }

  get name(): string {
    return this.type.name;
  }

  get module(): string {
    return this.wrapper.host?.name ?? 'an unknown module';
  }

  /** Nest's name for it among those that consume others: its transient enhancers are kept under it. */
  get id(): string {
    return this.wrapper.id;
  }

  get token(): InstanceWrapper['token'] {
    return this.wrapper.token;
  }

  /** The module that provides it, as Nest keeps it. */
  get host(): Module {
    return this.wrapper.host!;
  }

  /** That module's own: a token may mean something else in another one. */
  get moduleRef(): ModuleRef {
    return this.host.getProviderByKey<ModuleRef>(ModuleRef).instance;
  }

  get instance(): object {
    return this.wrapper.instance as object;
  }

  /** A plain object in place of the class, as tests give. */
  get isStandIn(): boolean {
    return !this.scope && this.instance.constructor === Object;
  }

  /** undefined: one instance for the whole application, made at start. */
  get scope(): 'request' | 'transient' | undefined {
    if (this.wrapper.isTransient) return 'transient';
    return this.wrapper.isDependencyTreeStatic() ? undefined : 'request';
  }

  /** Request-scoped, and all that makes it so is shared by the jobs of one tenant: so is its instance. */
  get isDurable(): boolean {
    return this.scope === 'request' && this.wrapper.isDependencyTreeDurable();
  }

  /** The method of this name; of a request-scoped class, which has no instance yet, that of its prototype. */
  method(name: string): Method | undefined {
    const holder = (this.scope ? this.type.prototype : this.instance) as Record<string, unknown>;
    return typeof holder[name] === 'function' ? (holder[name] as Method) : undefined;
  }

  /** The instance's method of this name, bound once, so that a call passes through nothing. */
  bound<Bound extends Method>(name: string): Bound | undefined {
    return this.method(name)?.bind(this.instance) as Bound | undefined;
  }

  mark<Mark>(key: symbol): Mark | undefined {
    return Reflect.getMetadata(key, this.type) as Mark | undefined;
  }

  /** The marks on its methods, inherited ones too. A start asks every class of the application, so those without any cost one look. */
  methodMarks<Mark extends object>(key: symbol): (Mark & { method: string })[] {
    const prototype = this.type.prototype as object | undefined;
    if (!prototype || !Reflect.hasMetadata(key, prototype)) return [];
    return new MetadataScanner().getAllMethodNames(prototype).flatMap((method) => {
      const marks = (Reflect.getMetadata(key, prototype, method) ?? []) as Mark[];
      return marks.map((mark) => ({ ...mark, method }));
    });
  }
}

/** useClass carries the class; useFactory and useValue only what was made, which for a request-scoped factory is nothing yet. */
function typeOf(wrapper: InstanceWrapper): Class | undefined {
  const made = !wrapper.metatype || wrapper.inject;
  const type: unknown = made ? madeType(wrapper) : wrapper.metatype;
  return typeof type === 'function' ? (type as Class) : undefined;
}

/** A plain object stands for the class that it is provided as: `overrideProvider(SendReceipt).useValue({ process })`. */
function madeType(wrapper: InstanceWrapper): unknown {
  const instance = wrapper.instance as object | undefined | null;
  if (instance === undefined || instance === null)
    return wrapper.isDependencyTreeStatic() ? undefined : wrapper.token;
  return instance.constructor === Object ? wrapper.token : instance.constructor;
}
