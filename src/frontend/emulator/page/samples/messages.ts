/** Messages, events and schedules: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html */
import { createHash } from "node:crypto";
import { account, arn, base64, moment, region, requestId, type Sample } from "./facts.ts";

const order = JSON.stringify({ item: "tea", quantity: 2 });

function sqsRecord(messageId: string, body: string, queue: string, extra: Record<string, string> = {}) {
  return {
    messageId,
    receiptHandle: base64(`${messageId} of ${queue}`),
    body,
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: String(moment.epochMs),
      SenderId: "AIDAEXAMPLE0123456789",
      ApproximateFirstReceiveTimestamp: String(moment.epochMs + 12),
      ...extra,
    },
    messageAttributes: {
      priority: { stringValue: "high", stringListValues: [], binaryListValues: [], dataType: "String" },
    },
    md5OfBody: createHash("md5").update(body).digest("hex"),
    eventSource: "aws:sqs",
    eventSourceARN: arn("sqs", queue),
    awsRegion: region,
  };
}

function eventBridge(source: string, detailType: string, resources: readonly string[], detail: unknown) {
  return {
    version: "0",
    id: requestId,
    "detail-type": detailType,
    source,
    account,
    time: moment.isoSeconds,
    region,
    resources,
    detail,
  };
}

export const messageSamples: readonly Sample[] = [
  {
    name: "SQS, two messages",
    event: {
      Records: [
        sqsRecord("1f0c7a52-64b1-4f7e-8d3a-0a9b6c5d4e31", order, "orders"),
        sqsRecord("2a1d8b63-75c2-4a8f-9e4b-1bac7d6e5f42", '{"item":"cake","quantity":1}', "orders"),
      ],
    },
  },
  {
    name: "SQS, first in first out",
    event: {
      Records: [
        sqsRecord("3b2e9c74-86d3-4b90-8f5c-2cbd8e7f6a53", order, "orders.fifo", {
          SequenceNumber: "18860999887766554112",
          MessageGroupId: "customer-7",
          MessageDeduplicationId: "order-17",
        }),
      ],
    },
  },
  {
    name: "SNS",
    event: {
      Records: [
        {
          EventSource: "aws:sns",
          EventVersion: "1.0",
          EventSubscriptionArn: arn("sns", "orders:4c3fad85-97e4-4ca1-9a6d-3dce9f8a7b64"),
          Sns: {
            Type: "Notification",
            MessageId: "5d40be96-a8f5-4db2-8b7e-4edfa09b8c75",
            TopicArn: arn("sns", "orders"),
            Subject: "A new order",
            Message: order,
            Timestamp: moment.iso,
            SignatureVersion: "1",
            Signature: base64("not a real signature"),
            SigningCertUrl: `https://sns.${region}.amazonaws.com/SimpleNotificationService-0000.pem`,
            UnsubscribeUrl: `https://sns.${region}.amazonaws.com/?Action=Unsubscribe`,
            MessageAttributes: { priority: { Type: "String", Value: "high" } },
          },
        },
      ],
    },
  },
  {
    name: "EventBridge",
    event: eventBridge("com.example.shop", "Order placed", [], { orderId: "17", item: "tea", quantity: 2 }),
  },
  {
    name: "EventBridge schedule",
    event: eventBridge("aws.events", "Scheduled Event", [arn("events", "rule/every-five-minutes")], {}),
  },
  {
    name: "CloudWatch alarm",
    event: {
      source: "aws.cloudwatch",
      alarmArn: arn("cloudwatch", "alarm:orders-failing"),
      accountId: account,
      time: moment.iso,
      region,
      alarmData: {
        alarmName: "orders-failing",
        state: { value: "ALARM", reason: "Threshold crossed", timestamp: moment.iso },
        previousState: { value: "OK", reason: "Within limits", timestamp: moment.iso },
        configuration: { description: "Orders fail", metrics: [] },
      },
    },
  },
  {
    name: "Cognito, before sign-up",
    event: {
      version: "1",
      triggerSource: "PreSignUp_SignUp",
      region,
      userPoolId: `${region}_AbCdEfGhI`,
      userName: "ada",
      callerContext: { awsSdkVersion: "aws-sdk-unknown-unknown", clientId: "1example23456789" },
      request: { userAttributes: { email: "ada@example.com" }, validationData: null },
      response: { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
    },
  },
];
