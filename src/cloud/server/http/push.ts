import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Push } from '../../records.ts';
import type { Listener } from '../push.ts';
import type { Parts } from './parts.ts';

export function pushRoutes(app: FastifyInstance, { hub }: Parts): void {
  app.get('/v1/push', (request, reply) => {
    reply.hijack();
    const { account, device } = request.caller;
    const stream = new EventStream(reply.raw, hub.alive);
    const stop = hub.subscribe(account, device, stream);
    reply.raw.on('close', stop);
  });
}

/** A stream of server-sent events. For a slow reader only the newest revision of each space is kept. */
class EventStream implements Listener {
  readonly #response: ServerResponse;
  readonly #pending = new Map<string, Push>();
  readonly #alive: NodeJS.Timeout;
  #blocked = false;

  constructor(response: ServerResponse, alive: number) {
    this.#response = response;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.on('drain', () => this.#flush());
    response.on('close', () => clearInterval(this.#alive));
    response.on('error', () => response.destroy());
    this.#alive = setInterval(() => this.notify({ type: 'alive' }), alive);
    this.notify({ type: 'alive' });
  }

  notify(event: Push): void {
    this.#pending.set(event.type === 'space' ? event.space : `/${event.type}`, event);
    if (!this.#blocked) this.#flush();
  }

  end(): void {
    this.#response.end();
  }

  #flush(): void {
    this.#blocked = false;
    for (const [key, event] of this.#pending) {
      this.#pending.delete(key);
      this.#blocked = !this.#response.write(`data: ${JSON.stringify(event)}\n\n`);
      if (this.#blocked) return;
    }
  }
}
