/** Types of api-server.js. */

/** An object as the API has it. */
export interface ApiObject {
  readonly kind: string;
  readonly apiVersion?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly uid?: string;
  };
  readonly [field: string]: unknown;
}

/** How requests are answered: with an error, until it is taken back. */
export interface Refusal {
  readonly status: number;
  /** In seconds. */
  readonly retryAfter?: number;
  /** A part of the paths that are refused; default: all. */
  readonly only?: string;
}

export interface ServerOptions {
  readonly objects?: readonly ApiObject[];
  /** Whether a watch may begin with the list, which older servers refuse. */
  readonly streamingLists?: 'yes' | 'refused';
  readonly port?: number;
  /** Where it listens; 127.0.0.1 by default. */
  readonly address?: string;
  /** Of its objects; 1,000 by default. */
  readonly firstVersion?: number;
  /** Kinds whose API it does not have. */
  readonly without?: readonly string[];
  readonly tls?: Tls;
}

/** What it shows to its clients, and what they have to show. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert?: boolean;
  readonly maxVersion?: 'TLSv1.2';
}

/** An API server with list and watch over HTTP, which misbehaves when it is told to. */
export declare class ApiServer {
  /** Requests so far, `/api/v1/services?...`. */
  readonly requests: readonly string[];
  readonly url: string;
  constructor(options: ServerOptions);
  /** Listens on its address. */
  listen(): Promise<void>;
  /** All objects, with their versions. */
  objects(): ApiObject[];
  /** Events that were created, as they were sent. */
  events(): ApiObject[];
  /** Creates or changes objects, and tells all watches. */
  apply(...objects: readonly ApiObject[]): void;
  remove(kind: string, namespace: string, name: string): void;
  /** Tells all watches which version is current. */
  bookmark(): void;
  /** Watches can no longer start at the versions so far. */
  forgetHistory(): void;
  /** Ends all connections, those of watches in the middle of an object. */
  cut(): void;
  /** Says nothing, until it is told to go on: requests are accepted and not answered. */
  silence(isSilent: boolean): void;
  /** Resets connections as soon as they are there. */
  hangUp(hangsUp: boolean): void;
  /** Comes back with other certificates. */
  secure(tls: Tls): Promise<void>;
  /** How many requests had this in their path so far. */
  countRequests(part: string): number;
  /** Sends the last line of each watch again, or one before it. */
  repeat(which: 'last' | 'earlier'): void;
  /** Sends a line to all watches. */
  sendLine(line: string): void;
  spoilWatches(...lines: readonly string[]): void;
  refuse(refusal: Refusal | undefined): void;
  /**
   * Refuses lists as a server does that lacks a role: of these kinds (`nodes`), all or, where a name is given, all but the list
   * of that object alone.
   */
  forbid(kinds: Readonly<Record<string, string>>): void;
  /** Accepts only this token from now on. */
  requireToken(token: string | undefined): void;
  /** In milliseconds, what each part of an answer takes. */
  slowDown(milliseconds: number): void;
  /** Ends all connections, and comes back after a time, in milliseconds, with other versions. */
  restart(how?: { readonly firstVersion?: number; readonly down?: number }): Promise<void>;
  close(): Promise<void>;
}
