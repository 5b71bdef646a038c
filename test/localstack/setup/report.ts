/** What a run came to, in the words of `npm test`: its last line counts all of it. */

/** @param report of bun test, in JUnit's form */
export async function tellCounts(report: string, status: number): Promise<void> {
  const file = Bun.file(report);
  const xml = (await file.exists()) ? await file.text() : "";
  const [, tests = 0, failed = 0, skipped = 0] = (
    xml.match(/<testsuites[^>]* tests="(\d+)"[^>]* failures="(\d+)"[^>]* skipped="(\d+)"/) ?? []
  ).map(Number);
  for (const [, name] of xml.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<skipped/g)) console.log(`  skipped: ${name}`);
  // A file that cannot be loaded is no test that fails.
  tell(tests - failed - skipped, status !== 0 && failed === 0 ? 1 : failed, skipped);
}

/** Nothing was run. */
export function tellSkipped(reason: string): void {
  console.log(`skipped: test/localstack: ${reason}`);
  tell(0, 0, 1);
}

function tell(passed: number, failed: number, skipped: number): void {
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
}
