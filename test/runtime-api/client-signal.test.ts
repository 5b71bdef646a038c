import { expect, test } from "bun:test";
import { clientSignalOf } from "../../src/runtime-api/client-signal.ts";
import { Fixture, get } from "../net/listener/support.ts";

/** A poll over our own listener that is never answered, and what it hears. */
function poll() {
  const requests: Request[] = [];
  const fixture = new Fixture((request) => {
    requests.push(request);
    return new Promise<Response>(() => {});
  });
  fixture.receive(get("/next"));
  const signal = clientSignalOf(requests[0] as Request);
  let calls = 0;
  signal.addEventListener("abort", () => calls++, { once: true });
  return { fixture, signal, heard: () => calls };
}

test.each([
  ["half of the connection", "halfClose"],
  ["the connection", "close"],
] as const)("a client that closes %s is gone", (_, end) => {
  const { fixture, signal, heard } = poll();
  expect([signal.aborted, heard()]).toEqual([false, 0]);
  fixture.connection[end]();
  expect([signal.aborted, heard()]).toEqual([true, 1]);
});

test("it is gone once, however often that is noticed", () => {
  const { fixture, heard } = poll();
  fixture.connection.halfClose();
  fixture.connection.close();
  expect(heard()).toBe(1);
});

test("of any other request it is the request's own signal", () => {
  const client = new AbortController();
  const request = new Request("http://init/next", { signal: client.signal });
  expect(clientSignalOf(request)).toBe(request.signal);
  client.abort();
  expect(clientSignalOf(request).aborted).toBe(true);
});
