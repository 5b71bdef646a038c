import { expect, test } from "bun:test";
import { ListenError, listen } from "../../src/net/listener.ts";

test("an address that is taken is named, with what to do", () => {
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = taken;
  expect(() => listen("the server", { hostname: "127.0.0.1", port }, () => new Response())).toThrow(
    new ListenError(
      `the server cannot listen on 127.0.0.1:${port}: it is in use. Free it, or choose another address (--help).`,
    ),
  );
  taken.stop(true);
});
