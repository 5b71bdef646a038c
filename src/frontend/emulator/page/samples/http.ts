/** Requests: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
import { account, arn, moment, region, requestId, type Sample } from "./facts.ts";

const apiHost = `abc123def4.execute-api.${region}.amazonaws.com`;
const urlHost = `abcdefghijklmnopqrstuvwxyz012345.lambda-url.${region}.on.aws`;
const userAgent = "curl/8.11.0";
const order = JSON.stringify({ item: "tea", quantity: 2 });

/** Payload version 2.0, which HTTP APIs and Function URLs share. */
function version2(host: string, routeKey: string, method: string, path: string, body?: string) {
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: "color=green&color=black",
    cookies: ["session=42"],
    headers: {
      accept: "*/*",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      host,
      "user-agent": userAgent,
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
    },
    queryStringParameters: { color: "green,black" },
    requestContext: {
      accountId: host === apiHost ? account : "anonymous",
      apiId: host.split(".")[0],
      domainName: host,
      domainPrefix: host.split(".")[0],
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent },
      requestId,
      routeKey,
      stage: "$default",
      time: moment.logDate,
      timeEpoch: moment.epochMs,
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded: false,
  };
}

const restHeaders = {
  Accept: "*/*",
  "Content-Type": "application/json",
  Host: apiHost,
  "User-Agent": userAgent,
  "X-Forwarded-For": "203.0.113.7",
  "X-Forwarded-Port": "443",
  "X-Forwarded-Proto": "https",
};

export const httpSamples: readonly Sample[] = [
  {
    name: "API Gateway HTTP API (payload 2.0)",
    event: {
      ...version2(apiHost, "POST /orders/{id}", "POST", "/orders/17", order),
      pathParameters: { id: "17" },
    },
  },
  {
    name: "API Gateway REST API (payload 1.0)",
    event: {
      resource: "/orders/{id}",
      path: "/orders/17",
      httpMethod: "POST",
      headers: restHeaders,
      multiValueHeaders: Object.fromEntries(Object.entries(restHeaders).map(([name, value]) => [name, [value]])),
      queryStringParameters: { color: "black" },
      multiValueQueryStringParameters: { color: ["green", "black"] },
      pathParameters: { id: "17" },
      stageVariables: null,
      requestContext: {
        accountId: account,
        apiId: "abc123def4",
        domainName: apiHost,
        domainPrefix: "abc123def4",
        extendedRequestId: "Xy1zAbCdEfGhIjk=",
        httpMethod: "POST",
        identity: { sourceIp: "203.0.113.7", userAgent },
        path: "/prod/orders/17",
        protocol: "HTTP/1.1",
        requestId,
        requestTime: moment.logDate,
        requestTimeEpoch: moment.epochMs,
        resourceId: "a1b2c3",
        resourcePath: "/orders/{id}",
        stage: "prod",
      },
      body: order,
      isBase64Encoded: false,
    },
  },
  {
    name: "API Gateway WebSocket message",
    event: {
      requestContext: {
        routeKey: "$default",
        messageId: "Xy1zAbCdEfGhIj=",
        eventType: "MESSAGE",
        extendedRequestId: "Xy1zAbCdEfGhIjk=",
        requestTime: moment.logDate,
        messageDirection: "IN",
        stage: "prod",
        connectedAt: moment.epochMs - 5000,
        requestTimeEpoch: moment.epochMs,
        identity: { sourceIp: "203.0.113.7" },
        requestId: "Xy1zAbCdEfGhIjk=",
        domainName: apiHost,
        connectionId: "Xy1zAbCdEfGhIjklm=",
        apiId: "abc123def4",
      },
      body: JSON.stringify({ action: "say", text: "hello" }),
      isBase64Encoded: false,
    },
  },
  { name: "Function URL", event: version2(urlHost, "$default", "GET", "/hello") },
  {
    name: "Application Load Balancer",
    event: {
      requestContext: { elb: { targetGroupArn: arn("elasticloadbalancing", "targetgroup/orders/0123456789abcdef") } },
      httpMethod: "GET",
      path: "/hello",
      queryStringParameters: { color: "green" },
      headers: {
        accept: "*/*",
        host: `orders-1234567890.${region}.elb.amazonaws.com`,
        "user-agent": userAgent,
        "x-amzn-trace-id": "Root=1-69b52add-3c1f5e0a7b2d4c6e8f901234",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
      },
      body: "",
      isBase64Encoded: false,
    },
  },
  {
    name: "API Gateway token authorizer",
    event: {
      type: "TOKEN",
      authorizationToken: "Bearer let-me-in",
      methodArn: arn("execute-api", "abc123def4/prod/GET/orders/17"),
    },
  },
];
