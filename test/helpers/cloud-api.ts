import type { Intent, IntentResult, NodeRecord, SpaceRecord } from '../../src/cloud/records.ts';
import { contentOf, put } from './intents.ts';

/** A response body without static types; a wrong expectation fails at run time. */
// oxlint-disable-next-line typescript/no-explicit-any
type Body = any;

/** The response to a call. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, parsed lines of JSON, or text. */
  readonly body: Body;
}

/** The cloud's API as one device, through plain fetch. */
export class Api {
  readonly url: string;
  readonly token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const raw = body instanceof Uint8Array;
    const type = raw ? 'application/octet-stream' : 'application/json';
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, body: await parsed(answer) };
  }

  async spaces(): Promise<SpaceRecord[]> {
    return (await this.call('GET', '/v1/spaces')).body.spaces;
  }

  async space(kind: SpaceRecord['kind']): Promise<SpaceRecord> {
    const found = (await this.spaces()).find((space) => space.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} space`);
    return found;
  }

  async commit(...intents: Intent[]): Promise<IntentResult[]> {
    const answer = await this.call('POST', '/v1/intents', { intents });
    if (answer.status !== 200) throw new Error(`commit: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.results;
  }

  /** The node of an intent that must succeed. */
  async done(intent: Intent): Promise<NodeRecord> {
    const [result] = await this.commit(intent);
    if (result?.status !== 'done') throw new Error(`refused: ${JSON.stringify(result)}`);
    return result.node;
  }

  /** The code of an intent that must be refused. */
  async refused(intent: Intent): Promise<string> {
    const [result] = await this.commit(intent);
    if (result?.status !== 'refused') throw new Error(`not refused: ${JSON.stringify(result)}`);
    return result.code;
  }

  async upload(bytes: Uint8Array): Promise<Answer> {
    return await this.call('POST', '/v1/blocks', framesOf(bytes));
  }

  /** Uploads a content and creates a file with it. */
  async store(
    space: SpaceRecord,
    name: string,
    bytes: Uint8Array,
    more: Parameters<typeof put>[2] = {},
  ): Promise<NodeRecord> {
    await this.upload(bytes);
    return await this.done(put({ space: space.id, parent: space.root, name }, contentOf(bytes).wire, more));
  }

  async content(version: string): Promise<Buffer> {
    const answer = await fetch(`${this.url}/v1/versions/${version}/content`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    if (!answer.ok) throw new Error(`content: ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  }
}

/** A content as the frames of an upload. */
export function framesOf(bytes: Uint8Array): Buffer {
  const frames = contentOf(bytes).blocks.flatMap(({ digest, data }) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return [length, Buffer.from(digest, 'hex'), data];
  });
  return Buffer.concat(frames);
}

async function parsed(answer: Response): Promise<unknown> {
  const text = await answer.text();
  const type = answer.headers.get('content-type') ?? '';
  if (type.includes('ndjson'))
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);
  return type.includes('json') ? (JSON.parse(text) as unknown) : text;
}
