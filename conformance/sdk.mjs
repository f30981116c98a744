// Calls the platform's official SDK for the Go tests. It reads one JSON request per line and writes one answer per line:
// {id, client, call: "webhooks.adminGet", args} is answered with {id, value, attempts} or {id, error, attempts}.
import { createInterface } from "node:readline";
import { HeadlessCommerceError, createAdminClient, verifyWebhookSignature } from "@headless-commerce/sdk";

async function call({ client, call, args }, logger) {
  if (call === "verify") {
    const [body, signature, secret] = args;
    return verifyWebhookSignature(Buffer.from(body, "base64").toString("utf8"), signature, secret); // the SDK takes text
  }
  let target = createAdminClient({ ...client, logger });
  const path = call.split(".");
  for (const name of path.slice(0, -1)) target = target[name];
  const result = target[path.at(-1)](...args);
  if (!result[Symbol.asyncIterator]) return result;
  const all = [];
  for await (const item of result) all.push(item);
  return all;
}

function told(err) {
  if (!(err instanceof HeadlessCommerceError)) return { name: err.name, message: err.message };
  const { name, message, code, status, details, isValidationError, isAuthError, isNotFound, isRateLimitError } = err;
  return { name, message, code, status, details, official: true, isValidationError, isAuthError, isNotFound, isRateLimitError };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const answer = { id: request.id, attempts: 0 };
  try {
    answer.value = await call(request, () => answer.attempts++);
  } catch (err) {
    answer.error = told(err);
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
