/**
 * The messages of google.firestore.v1 as proto-loader hands them over: 64-bit integers and enums as strings,
 * absent messages as null, and each oneof naming the member that is set.
 */

export interface Timestamp {
  readonly seconds: string | number;
  readonly nanos: number;
}

export type Fields = Readonly<Record<string, Value>>;

export type Value =
  | { readonly valueType: 'nullValue'; readonly nullValue: 'NULL_VALUE' }
  | { readonly valueType: 'booleanValue'; readonly booleanValue: boolean }
  | { readonly valueType: 'integerValue'; readonly integerValue: string }
  | { readonly valueType: 'doubleValue'; readonly doubleValue: number }
  | { readonly valueType: 'timestampValue'; readonly timestampValue: Timestamp }
  | { readonly valueType: 'stringValue'; readonly stringValue: string }
  | { readonly valueType: 'bytesValue'; readonly bytesValue: Buffer }
  | { readonly valueType: 'referenceValue'; readonly referenceValue: string }
  | { readonly valueType: 'geoPointValue'; readonly geoPointValue: GeoPoint }
  | { readonly valueType: 'arrayValue'; readonly arrayValue: { readonly values: readonly Value[] } }
  | { readonly valueType: 'mapValue'; readonly mapValue: { readonly fields: Fields } };

export interface GeoPoint {
  readonly latitude: number;
  readonly longitude: number;
}

export interface DocumentMessage {
  readonly name: string;
  readonly fields: Fields;
  readonly createTime?: Timestamp | null;
  readonly updateTime?: Timestamp | null;
}

export interface Mask {
  readonly fieldPaths: readonly string[];
}

export interface Precondition {
  readonly conditionType?: 'exists' | 'updateTime';
  readonly exists?: boolean;
  readonly updateTime?: Timestamp;
}

export interface FieldTransform {
  readonly fieldPath: string;
  readonly transformType?: string;
  readonly setToServerValue?: string;
  readonly increment?: Value;
  readonly maximum?: Value;
  readonly minimum?: Value;
  readonly appendMissingElements?: { readonly values: readonly Value[] };
  readonly removeAllFromArray?: { readonly values: readonly Value[] };
}

export interface Write {
  readonly operation?: 'update' | 'delete' | 'transform';
  readonly update?: DocumentMessage;
  readonly delete?: string;
  readonly transform?: { readonly document: string; readonly fieldTransforms: readonly FieldTransform[] };
  readonly updateMask: Mask | null;
  readonly updateTransforms: readonly FieldTransform[];
  readonly currentDocument: Precondition | null;
}

export interface WriteResult {
  readonly updateTime: Timestamp | null;
  readonly transformResults: readonly Value[];
}

export interface TransactionOptions {
  readonly mode?: 'readOnly' | 'readWrite';
  readonly readOnly?: { readonly readTime?: Timestamp };
}

/** What says at which instant a read happens: at most one of these is set. */
export interface Consistency {
  readonly transaction?: Buffer;
  readonly newTransaction?: TransactionOptions;
  readonly readTime?: Timestamp;
}

export interface FieldReference {
  readonly fieldPath: string;
}

export interface FieldFilter {
  readonly field: FieldReference | null;
  readonly op: string;
  readonly value: Value | null;
}

export interface Filter {
  readonly filterType?: 'compositeFilter' | 'fieldFilter' | 'unaryFilter';
  readonly compositeFilter?: { readonly op: string; readonly filters: readonly Filter[] };
  readonly fieldFilter?: FieldFilter;
  readonly unaryFilter?: { readonly op: string; readonly field?: FieldReference };
}

export interface Order {
  readonly field: FieldReference | null;
  readonly direction: string;
}

export interface Cursor {
  readonly values: readonly Value[];
  readonly before: boolean;
}

export interface StructuredQuery {
  readonly select: { readonly fields: readonly FieldReference[] } | null;
  readonly from: readonly { readonly collectionId: string; readonly allDescendants: boolean }[];
  readonly where: Filter | null;
  readonly orderBy: readonly Order[];
  readonly startAt: Cursor | null;
  readonly endAt: Cursor | null;
  readonly offset: number;
  readonly limit: { readonly value: number } | null;
  readonly findNearest: object | null;
}

export interface Aggregation {
  readonly alias: string;
  readonly operator?: 'count' | 'sum' | 'avg';
  readonly count?: { readonly upTo: { readonly value: string } | null };
  readonly sum?: { readonly field: FieldReference | null };
  readonly avg?: { readonly field: FieldReference | null };
}
