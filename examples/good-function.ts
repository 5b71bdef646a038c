/** A custom runtime in a few lines: greets, and fails when it is told to. */
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

for (;;) {
  const reply = await fetch(`${api}/next`);
  const id = reply.headers.get("lambda-runtime-aws-request-id");
  const event = (await reply.json()) as { name?: string; fail?: boolean; exit?: number; sleep?: number };
  console.log("the function got", JSON.stringify(event));
  if (event.exit !== undefined) process.exit(event.exit);
  if (event.sleep !== undefined) await Bun.sleep(event.sleep * 1000);
  if (event.fail) {
    const error = { errorType: "DemoError", errorMessage: "as it was told", stackTrace: [] };
    await fetch(`${api}/${id}/error`, { method: "POST", body: JSON.stringify(error) });
  } else {
    await fetch(`${api}/${id}/response`, { method: "POST", body: JSON.stringify({ greeting: `Hello ${event.name}` }) });
  }
}

export {};
