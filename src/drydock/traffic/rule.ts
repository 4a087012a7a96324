/** What a Gateway or an Ingress does with a request, whichever of both said it. */

export type PathMatch =
  | { readonly type: 'exact'; readonly value: string }
  | { readonly type: 'prefix'; readonly value: string }
  | { readonly type: 'expression'; readonly value: RegExp };

/** A header or a query parameter that has this value, or matches the expression as a whole. */
export interface ValueMatch {
  readonly name: string;
  readonly value: string | RegExp;
}

export interface RequestMatch {
  readonly path: PathMatch;
  readonly method: string | undefined;
  /** Names in lower case. */
  readonly headers: readonly ValueMatch[];
  readonly query: readonly ValueMatch[];
}

export interface HeaderChange {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

export type PathChange =
  | { readonly type: 'full'; readonly value: string }
  | { readonly type: 'prefix'; readonly value: string };

export type Filter =
  | { readonly type: 'request-headers'; readonly change: HeaderChange }
  | { readonly type: 'response-headers'; readonly change: HeaderChange }
  | {
      readonly type: 'redirect';
      readonly scheme: string | undefined;
      readonly hostname: string | undefined;
      readonly port: number | undefined;
      readonly path: PathChange | undefined;
      readonly status: number;
    }
  | {
      readonly type: 'rewrite';
      readonly hostname: string | undefined;
      readonly path: PathChange | undefined;
    };

export interface Backend {
  readonly weight: number;
  /** Undefined for a reference that leads nowhere: its share of requests is answered with 500. */
  readonly service: { readonly namespace: string; readonly name: string; readonly port: string } | undefined;
  readonly filters: readonly Filter[];
}

export interface Action {
  /** Stays the same while the rule stays, so that its share of requests goes on where it was. */
  readonly id: string;
  readonly filters: readonly Filter[];
  readonly backends: readonly Backend[];
  /** Of the whole request, and of one attempt; milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly attemptTimeoutMs: number | undefined;
}

/** One way to one action. */
export interface Route {
  /** `` for any, `*.example.com`, or a name; in lower case. */
  readonly hostname: string;
  /** Whether `*` stands for exactly one label, as in an Ingress, or for at least one, as in a Gateway. */
  readonly oneLabel: boolean;
  readonly match: RequestMatch;
  readonly action: Action;
  /** What decides between equals: the older object, then its name, then the order in it. */
  readonly since: string;
  readonly owner: string;
  readonly order: number;
}

export interface Certificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Requests for one host pattern on one port. */
export interface Site {
  readonly hostname: string;
  /** In the order in which they are tried. */
  readonly routes: readonly Route[];
  /** The first whose names fit; only where TLS ends here. */
  readonly certificates: readonly Certificate[];
}

/** What is served on one port of one address. */
export interface PortPlan {
  readonly ip: string;
  readonly port: number;
  readonly tls: boolean;
  readonly sites: readonly Site[];
  /** Whom it belongs to, for logs: `Gateway default/web`. */
  readonly owner: string;
}
