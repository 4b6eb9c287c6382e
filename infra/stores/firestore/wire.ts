/**
 * The parts of Firestore's messages that this adapter writes and reads, as gRPC hands them out: 64-bit integers are
 * strings, enums are names, and a `oneof` says by its own name which member is set (google/firestore/v1).
 */

export interface WireValue {
  readonly valueType?: string;
  readonly nullValue?: 'NULL_VALUE';
  readonly booleanValue?: boolean;
  readonly integerValue?: string;
  readonly doubleValue?: number;
  readonly stringValue?: string;
  readonly referenceValue?: string;
  readonly arrayValue?: { readonly values: readonly WireValue[] };
  readonly mapValue?: { readonly fields: WireFields };
}

export type WireFields = Readonly<Record<string, WireValue>>;

export interface WireTimestamp {
  readonly seconds: string;
  readonly nanos: number;
}

export interface WireDocument {
  readonly name: string;
  readonly fields: WireFields;
  readonly updateTime: WireTimestamp;
}

export interface WireWrite {
  readonly update?: { readonly name: string; readonly fields: WireFields };
  readonly delete?: string;
  readonly updateMask?: { readonly fieldPaths: readonly string[] };
  readonly currentDocument?: { readonly exists: boolean } | { readonly updateTime: WireTimestamp };
}

export interface CommitRequest {
  readonly database: string;
  readonly writes: readonly WireWrite[];
}

export interface CommitResponse {
  readonly writeResults: readonly { readonly updateTime: WireTimestamp | null }[];
}

export interface BatchGetRequest {
  readonly database: string;
  readonly documents: readonly string[];
}

export interface BatchGetResponse {
  readonly result?: 'found' | 'missing';
  readonly found?: WireDocument;
  readonly missing?: string;
}

export interface WireFilter {
  readonly compositeFilter?: { readonly op: 'AND'; readonly filters: readonly WireFilter[] };
  readonly fieldFilter?: { readonly field: WireField; readonly op: string; readonly value: WireValue };
  readonly unaryFilter?: { readonly field: WireField; readonly op: 'IS_NULL' };
}

export interface WireField {
  readonly fieldPath: string;
}

export interface StructuredQuery {
  readonly from: readonly [{ readonly collectionId: string; readonly allDescendants: boolean }];
  readonly where?: WireFilter;
  readonly orderBy?: readonly { readonly field: WireField; readonly direction: string }[];
  readonly startAt?: { readonly values: readonly WireValue[]; readonly before: boolean };
  readonly limit?: { readonly value: number };
}

export interface RunQueryRequest {
  readonly parent: string;
  readonly structuredQuery: StructuredQuery;
}

/** Some carry no document, only how far the server came. */
export interface RunQueryResponse {
  readonly document: WireDocument | null;
}

export interface RunAggregationQueryRequest {
  readonly parent: string;
  readonly structuredAggregationQuery: {
    readonly structuredQuery: StructuredQuery;
    readonly aggregations: readonly [
      { readonly alias: string } & (
        | { readonly count: object }
        | { readonly sum: { readonly field: WireField } }
      ),
    ];
  };
}

export interface RunAggregationQueryResponse {
  readonly result: { readonly aggregateFields: WireFields } | null;
}
