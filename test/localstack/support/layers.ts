/**
 * Layers, as far as LocalStack goes: its free edition keeps them, and gives their zip files out, but puts none into a
 * container. So a variable of the function tells init where they are, in the way of `docs/contract/localstack.md 14`: the
 * archive comes from LocalStack's S3, and init unpacks it.
 */
import type { ZipEntry } from "../../support/zip-writer.ts";
import { bridgeAddress } from "../setup/engine.ts";
import type { Answer, Aws } from "./aws.ts";
import { newName, zipOf } from "./functions.ts";

/** What belongs to a function with a layer. */
export interface WithLayer {
  readonly env: Record<string, string>;
  readonly more: Answer;
}

/** Publishes a layer. Its files appear in /opt. */
export async function publishLayer(aws: Aws, entries: readonly ZipEntry[]): Promise<WithLayer> {
  const LayerName = newName("layer");
  const { LayerVersionArn, Content } = await aws.call("lambda", "publish_layer_version", {
    LayerName,
    Content: { ZipFile: zipOf(entries) },
  });
  const url = new URL(Content.Location);
  const [bucket] = url.hostname.split(".");
  // The names of LocalStack's buckets are in no DNS here.
  url.pathname = url.hostname.includes(".s3.") ? `/${bucket}${url.pathname}` : url.pathname;
  url.hostname = bridgeAddress;
  const archives = [{ url: url.href, target_path: "/opt" }];
  return { env: { LOCALSTACK_CODE_ARCHIVES: JSON.stringify(archives) }, more: { Layers: [LayerVersionArn] } };
}

/** The source of an extension that registers, and then does what these lines of Python say. */
export function extension(afterRegister: string, beforeRegister = ""): string {
  return `#!/usr/bin/python3
import json, os, shutil, sys, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"
def call(path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib.request.urlopen(urllib.request.Request(api + path, body, headers))
${beforeRegister}
answer = call("register", b'{"events":["INVOKE"]}', Lambda_Extension_Name=os.path.basename(sys.argv[0]))
me = answer.headers["Lambda-Extension-Identifier"]
${afterRegister}
`;
}

/** What an extension that does its part does. */
export const pollsForEver = "while True: call('event/next', Lambda_Extension_Identifier=me).read()";
