/** Where a function spends its time: a V8 CPU profile (`node --cpu-prof`), summed by who is to blame. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly nodes: readonly Node[];
  /** The node on top of the stack at each sample, and the microseconds since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Who a frame belongs to, by its URL or, for V8's own, its name. The first row that fits. */
const OWNERS: readonly (readonly [string, RegExp])[] = [
  ['garbage collection', /^\(garbage collector\)$/],
  [
    'domain and async_hooks',
    /node:domain|registerDestroyHook|internal\/async_hooks|internal\/process\/(?:execution|report)/,
  ],
  ['signature verification', /internal\/crypto\/(?:sig|cfrg|rsa|util|webcrypto)/],
  ['SQLite: BEGIN, COMMIT, fsync', /stores\/sqlite\/transaction/],
  ['SQLite: reads and writes', /stores\/sqlite(?:\.ts|\/group-commit)/],
  ['store: encoding', /stores\/sqlite\/encoding/],
  ['store: checks', /stores\/validate/],
  ['gRPC', /@grpc|internal\/http2|protobufjs|google-gax|google-auth/],
  ['zod', /node_modules\/zod/],
  [
    'functions-framework, Express',
    /functions-framework|express|router|body-parser|path-to-regexp|on-finished|ee-first|raw-body/,
  ],
  ['Hono, Response', /hono|undici|webstreams/],
  ['guard and app', /functions\/http/],
  ['JSON: strict and canonical', /shared\/canonical/],
  ['KMS adapter', /infra\/kms/],
  ['use cases', /shared\/|functions\//],
  [
    'node:http, net, streams',
    /node:(?:_http|net|events|buffer|internal\/(?:streams?|stream_base_commons|timers|encoding|url))/,
  ],
];
const OTHER = 'other';
const IDLE = '(idle)';

/** The profile's second half as a Markdown list, largest share first. The first half is start and warm-up. */
export function describeProfile(folder: string): string {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error(`There is no .cpuprofile in ${folder}.`);
  const shares = sharesOf(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  return shares.map(([owner, share]) => `- ${(100 * share).toFixed(0)} % ${owner}`).join('\n');
}

function sharesOf({ nodes, samples, timeDeltas }: CpuProfile): [owner: string, share: number][] {
  const ownerOf = ownership(nodes);
  const times = new Map<string, number>();
  let busy = 0;
  for (let i = Math.floor(samples.length / 2); i < samples.length; i++) {
    const owner = ownerOf(samples[i] ?? 0);
    if (owner === IDLE) continue;
    const time = timeDeltas[i] ?? 0;
    times.set(owner, (times.get(owner) ?? 0) + time);
    busy += time;
  }
  const shares = [...times].map(([owner, time]) => [owner, time / busy] as [string, number]);
  return shares.filter(([, share]) => share >= 0.005).sort(([, a], [, b]) => b - a);
}

/** Blames the innermost frame that has an owner, so that Node's internals count for whoever called them. */
function ownership(nodes: readonly Node[]): (id: number) => string {
  const owners = new Map<number, string>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visit = (node: Node, inherited: string) => {
    const { url, functionName } = node.callFrame;
    const owner = functionName === IDLE ? IDLE : (ownerOfFrame(url || functionName) ?? inherited);
    owners.set(node.id, owner);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) visit(child, owner);
    }
  };
  const [root] = nodes;
  if (root !== undefined) visit(root, OTHER);
  return (id) => owners.get(id) ?? OTHER;
}

function ownerOfFrame(frame: string): string | undefined {
  return OWNERS.find(([, pattern]) => pattern.test(frame))?.[0];
}
