/** Node.js, with AWS's own runtime client. Run it from this directory: see ../README.md */
export async function handler(event, context) {
  console.log("the function got", JSON.stringify(event));
  return { greeting: `Hello ${event.name ?? "there"}`, requestId: context.awsRequestId };
}
