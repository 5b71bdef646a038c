/** LocalStack's X-Ray, as init calls it: signed as AWS wants it, with a deadline. */
import type { Clock } from "../clock.ts";
import { log } from "../log.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface UpstreamOptions {
  /** `http://host:port` */
  readonly address: string;
  readonly region: string;
  /** Empty keys: requests go out unsigned. */
  readonly credentials: Credentials;
  readonly clock: Clock;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Milliseconds one request may take: the daemon's own figure. */
const answerTimeoutMs = 2000;

export class Upstream {
  #hasWarned = false;

  constructor(private readonly options: UpstreamOptions) {}

  /**
   * @param path with its slash and query
   * @throws when no answer came in time
   */
  async send(
    method: string,
    path: string,
    body: string | Uint8Array | undefined,
    contentType: string,
  ): Promise<Answer> {
    const { clock, address } = this.options;
    const abort = new AbortController();
    const callOff = clock.after(answerTimeoutMs, () => abort.abort());
    try {
      const { ofetch } = await import("ofetch");
      const answer = await ofetch.raw(`${address}${path}`, {
        method,
        headers: await this.#headers(method, path, body, contentType),
        ...(body === undefined ? {} : { body }),
        retry: 0,
        responseType: "arrayBuffer",
        ignoreResponseError: true,
        signal: abort.signal,
      });
      const given = answer._data as ArrayBuffer | undefined;
      return {
        status: answer.status,
        contentType: answer.headers.get("content-type") ?? "application/json",
        body: new Uint8Array(given ?? new ArrayBuffer(0)),
      };
    } finally {
      callOff();
    }
  }

  async #headers(
    method: string,
    path: string,
    body: string | Uint8Array | undefined,
    contentType: string,
  ): Promise<Headers> {
    const { address, region, credentials, clock } = this.options;
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const headers = new Headers({
      "Content-Type": contentType,
      "X-Amzn-Xray-Timestamp": (clock.epoch() / 1000).toFixed(3),
    });
    if (accessKeyId === "" || secretAccessKey === "") {
      if (!this.#hasWarned)
        log.warn("X-Ray requests are not signed: AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is missing");
      this.#hasWarned = true;
      return headers;
    }
    const { AwsV4Signer } = await import("aws4fetch");
    const signer = new AwsV4Signer({
      method,
      url: `${address}${path}`,
      headers,
      ...(body === undefined ? {} : { body: body as string | ArrayBuffer }),
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === "" ? {} : { sessionToken }),
      service: "xray",
      region,
      datetime: new Date(clock.epoch()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    });
    return (await signer.sign()).headers;
  }
}
