/** HTTP over a bare connection, for what a client library would not send or show. */
import { within } from "./within.ts";

export interface Talk {
  /** All that came, a character for each byte. */
  readonly text: string;
  /** Whether the other side closed the connection. */
  readonly isClosed: boolean;
}

/** Sends a request to 127.0.0.1, and takes what comes until it is enough, or until the connection is closed. */
export async function talk(
  port: number,
  request: string,
  isEnough: (text: string) => boolean = () => false,
): Promise<Talk> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let text = "";
  let isClosed = false;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, bytes) {
        text += bytes.toString("latin1");
        if (isEnough(text)) resolve();
      },
      close() {
        isClosed = true;
        resolve();
      },
    },
  });
  socket.write(request);
  await within(5000, "an answer", promise);
  socket.end();
  return { text, isClosed };
}
