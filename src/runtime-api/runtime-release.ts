/** What the runtime calls itself, collected from its requests: `docs/contract/runtime-api.md 3.2`. */

/** Bytes the whole text may have. */
const maxLength = 128;

export class RuntimeRelease {
  #release = "";

  /** `name/version (feature feature)`; empty until a request told. */
  get text(): string {
    return this.#release;
  }

  /** Takes what one request tells: the first user agent stays, features are added once. */
  observe(headers: Headers): void {
    // Once features stand behind the name nothing can change any more: that is the case on all but the first requests.
    if (this.#release.endsWith(")")) return;
    const features = headers.get("lambda-runtime-features");
    if (this.#release !== "" && !features) return;
    const agent = headers.get("user-agent")?.trim().split(/\s+/)[0];
    this.#release ||= agent || (features ? "Unknown" : "");
    if (features) this.#release += this.#fitting(features);
  }

  #fitting(features: string): string {
    let fitting = "";
    for (const feature of features.replace(/[()]/g, "").split(/\s+/)) {
      const longer = fitting === "" ? feature : `${fitting} ${feature}`;
      // A blank and the two parentheses count too.
      if (feature !== "" && this.#release.length + longer.length + 3 <= maxLength) fitting = longer;
    }
    return fitting === "" ? "" : ` (${fitting})`;
  }
}
