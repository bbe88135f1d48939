export declare const SLOWNESS: number;
export declare const patient: (ms: number) => number;
export declare const scaled: (ms: number) => number;
