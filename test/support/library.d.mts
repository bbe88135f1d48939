export declare function compileLibrary(): Promise<void>;
