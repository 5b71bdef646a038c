/** A custom runtime in Bun that answers as a stream, one word at a time. Run it from this directory: see ../README.md */
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

async function* words(name: string) {
  for (const word of ["Hello", name, "from", "a", "stream\n"]) {
    yield `${word} `;
    await Bun.sleep(200);
  }
}

for (;;) {
  const next = await fetch(`${api}/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const event = (await next.json()) as { readonly name?: string };
  console.log("the function got", JSON.stringify(event));
  const pieces = words(event.name ?? "there");
  await fetch(`${api}/${id}/response`, {
    method: "POST",
    headers: { "Lambda-Runtime-Function-Response-Mode": "streaming", "Content-Type": "text/plain" },
    body: new ReadableStream({
      async pull(controller) {
        const { value, done } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(Buffer.from(value));
      },
    }),
  });
}

export {};
