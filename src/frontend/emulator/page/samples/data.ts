/** Changes of stored data, and streams: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html */
import { gzipSync } from "node:zlib";
import { account, arn, base64, moment, region, type Sample } from "./facts.ts";

function s3(eventName: string, object: Record<string, unknown>) {
  return {
    Records: [
      {
        eventVersion: "2.1",
        eventSource: "aws:s3",
        awsRegion: region,
        eventTime: moment.iso,
        eventName,
        userIdentity: { principalId: "AWS:AIDAEXAMPLE0123456789" },
        requestParameters: { sourceIPAddress: "203.0.113.7" },
        responseElements: { "x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": base64("an id of the host") },
        s3: {
          s3SchemaVersion: "1.0",
          configurationId: "orders",
          bucket: {
            name: "example-bucket",
            ownerIdentity: { principalId: "A3NL1KOZZKExample" },
            arn: "arn:aws:s3:::example-bucket",
          },
          object: { key: "orders/tea+and+cake.json", sequencer: "0A1B2C3D4E5F678901", ...object },
        },
      },
    ],
  };
}

function dynamoDb(eventName: string, sequenceNumber: string, images: Record<string, unknown>) {
  return {
    eventID: Buffer.from(`event ${sequenceNumber}`).toString("hex"),
    eventName,
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: region,
    dynamodb: {
      ApproximateCreationDateTime: moment.epochSeconds,
      Keys: { id: { S: "17" } },
      ...images,
      SequenceNumber: sequenceNumber,
      SizeBytes: 42,
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
    eventSourceARN: arn("dynamodb", "table/orders/stream/2026-03-01T00:00:00.000"),
  };
}

const logs = {
  messageType: "DATA_MESSAGE",
  owner: account,
  logGroup: "/aws/lambda/orders",
  logStream: "2026/03/14/[$LATEST]0123456789abcdef0123456789abcdef",
  subscriptionFilters: ["errors"],
  logEvents: [{ id: "38500000000000000000000000000000", timestamp: moment.epochMs, message: "ERROR no tea left" }],
};

export const dataSamples: readonly Sample[] = [
  {
    name: "S3, object created",
    event: s3("ObjectCreated:Put", { size: 1024, eTag: "d41d8cd98f00b204e9800998ecf8427e" }),
  },
  { name: "S3, object removed", event: s3("ObjectRemoved:Delete", {}) },
  {
    name: "DynamoDB stream",
    event: {
      Records: [
        dynamoDb("INSERT", "100000000000000000001", { NewImage: { id: { S: "17" }, quantity: { N: "2" } } }),
        dynamoDb("MODIFY", "100000000000000000002", {
          NewImage: { id: { S: "17" }, quantity: { N: "3" } },
          OldImage: { id: { S: "17" }, quantity: { N: "2" } },
        }),
      ],
    },
  },
  {
    name: "Kinesis stream",
    event: {
      Records: [
        {
          kinesis: {
            kinesisSchemaVersion: "1.0",
            partitionKey: "customer-7",
            sequenceNumber: "49590338271490256608559692538361571095921575989136588898",
            data: base64('{"item":"tea","quantity":2}'),
            approximateArrivalTimestamp: moment.epochMs / 1000,
          },
          eventSource: "aws:kinesis",
          eventVersion: "1.0",
          eventID: "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
          eventName: "aws:kinesis:record",
          invokeIdentityArn: `arn:aws:iam::${account}:role/orders`,
          awsRegion: region,
          eventSourceARN: arn("kinesis", "stream/orders"),
        },
      ],
    },
  },
  {
    name: "Firehose transformation",
    event: {
      invocationId: "6e51cfa7-b906-4ec3-9c8f-5fe0b1ac9d86",
      deliveryStreamArn: arn("firehose", "deliverystream/orders"),
      region,
      records: [
        {
          recordId: "49546986683135544286507457936321625675700192471156785154",
          approximateArrivalTimestamp: moment.epochMs,
          data: base64('{"item":"tea","quantity":2}'),
        },
      ],
    },
  },
  {
    name: "CloudWatch Logs",
    event: { awslogs: { data: gzipSync(JSON.stringify(logs)).toString("base64") } },
  },
];
