import { expect, test } from "bun:test";
import { defaultZoneId } from "../../src/settings/availability-zone.ts";

test.each([
  ["us-east-1", "use1-az1"],
  ["us-west-2", "usw2-az1"],
  ["eu-central-1", "euc1-az1"],
  ["ap-southeast-2", "apse2-az1"],
  ["ap-northeast-1", "apne1-az1"],
  ["us-gov-west-1", "usgw1-az1"],
  ["sa-east-1", "sae1-az1"],
  ["us-gov-northeast-12", "usgn12-az1"],
  ["us-northern-1", "usn1-az1"],
  ["local", "use1-az1"],
  ["us-1", "use1-az1"],
  ["us-east-", "use1-az1"],
  ["us-east-x", "use1-az1"],
  ["-east-1", "use1-az1"],
  ["us-EAST-1", "use1-az1"],
  ["us-\u00e4st-1", "use1-az1"],
  ["", "use1-az1"],
])("the first zone of %j is %s", (region, zone) => {
  expect(defaultZoneId(region)).toBe(zone);
});
