/** HTTP/1.1 over `Bun.listen`: what Bun.serve's parser refuses and Go's server takes (`docs/architecture.md`). */
import type { Socket } from "bun";
import { type Clock, systemClock } from "../../clock.ts";
import { Connection, type FetchHandler } from "./connection.ts";
import { ConnectionLimit } from "./connection-limit.ts";

interface Open {
  readonly connection: Connection;
  readonly isIdle: boolean;
  drop(): void;
}

/** Descriptors are the process's: all servers share what there is. */
const limit = new ConnectionLimit();

/** @throws as Bun.listen does, with `code` */
export function serve(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  fetch: FetchHandler,
  clock: Clock = systemClock,
): { readonly port: number; stop(): void } {
  const open = new Set<Open>();
  const server = Bun.listen<Open>({
    hostname,
    port,
    // A client that has closed its half may still read.
    allowHalfOpen: true,
    socket: {
      open(socket) {
        const entry = newEntry(socket, fetch, clock);
        socket.data = entry;
        if (limit.admit(entry)) open.add(entry);
        else socket.terminate();
      },
      data: (socket, bytes) => socket.data.connection.receive(bytes),
      drain: (socket) => socket.data.connection.drain(),
      end: (socket) => socket.data.connection.halfClose(),
      close(socket) {
        open.delete(socket.data);
        limit.release(socket.data);
        socket.data.connection.close();
      },
      // `close` follows.
      error() {},
    },
  });
  return {
    port: server.port,
    stop() {
      server.stop();
      for (const { drop } of [...open]) drop();
    },
  };
}

function newEntry(socket: Socket<Open>, fetch: FetchHandler, clock: Clock): Open {
  const connection = new Connection(socket, fetch, clock);
  return {
    connection,
    get isIdle() {
      return connection.isIdle;
    },
    drop: () => socket.terminate(),
  };
}
