export declare const compiled: (source: string | URL) => string;
export declare function compileSources(): Promise<void>;
