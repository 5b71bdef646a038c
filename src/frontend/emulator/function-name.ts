/** Names, partial ARNs and ARNs in the URL of a call (docs/contract/emulator.md 2.1). */
import { AwsError, functionNotFound } from "./aws-errors.ts";

/** What the emulator's one function is called. */
export interface FunctionIdentity {
  readonly functionName: string;
  readonly region: string;
  readonly accountId: string;
  /** Calls for other names are refused; `function`, the name AWS's emulator knows, is not. */
  readonly isNameStrict: boolean;
}

/** The name in the URLs of AWS's emulator, which stands for whatever function there is. */
const anyFunction = "function";

const maxNameLength = 256;

/** AWS's own pattern, which its error message quotes. */
const pattern =
  "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";

const parts =
  /^(?:arn:(?<partition>aws[a-zA-Z-]*):lambda:)?(?:(?<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?:(?<account>\d{12}):)?(?:function:)?(?<name>[a-zA-Z0-9_.-]+)(?::(?<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?$/;

const qualifierPattern = /^(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9_-]{1,128})$/;

/**
 * The ARN a call's function is told it was invoked by: made of the name in the URL, its qualifier kept; of the
 * function's own name where the URL has the emulator's (`docs/contract/emulator.md E3`).
 * @param segment the path segment, percent-encoding undone
 * @param queryQualifier `Qualifier` of the query; empty: none
 * @throws {AwsError}
 */
export function toFunctionArn(segment: string, queryQualifier: string, identity: FunctionIdentity): string {
  const found = segment.length <= maxNameLength ? parts.exec(segment)?.groups : undefined;
  if (!found) throw invalid("functionName", segment, describeName(segment));
  if (queryQualifier !== "" && !qualifierPattern.test(queryQualifier)) {
    throw invalid("qualifier", queryQualifier, `satisfy regular expression pattern: ${qualifierPattern.source}`);
  }
  const { name = "", qualifier = queryQualifier } = found;
  if (queryQualifier !== "" && qualifier !== queryQualifier) {
    throw new AwsError(
      "InvalidParameterValueException",
      "The derived qualifier from the function name does not match the specified qualifier.",
    );
  }
  const { partition = "aws", region = identity.region, account = identity.accountId } = found;
  const arnOf = (functionName: string, suffix: string) =>
    `arn:${partition}:lambda:${region}:${account}:function:${functionName}${suffix === "" ? "" : `:${suffix}`}`;
  if (name === anyFunction) return arnOf(identity.functionName, qualifier);
  if (identity.isNameStrict && name !== identity.functionName) {
    throw functionNotFound(arnOf(name, qualifier || "$LATEST"));
  }
  return arnOf(name, qualifier);
}

function describeName(segment: string): string {
  return segment.length > maxNameLength
    ? `have length less than or equal to ${maxNameLength}`
    : `satisfy regular expression pattern: ${pattern}`;
}

function invalid(member: string, value: string, constraint: string): AwsError {
  return new AwsError(
    "ValidationException",
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must ${constraint}`,
  );
}
