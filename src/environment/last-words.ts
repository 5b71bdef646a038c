/** What processes that ended, or that report an error, mean: the first report names the type, the exit the reason. */
import type { Clock } from "../clock.ts";
import { type Exit, extensionExitFault, type Fault, runtimeExitFault } from "../errors.ts";
import { log } from "../log.ts";
import type { Exchanges } from "./exchanges.ts";
import type { Extension } from "./extensions/extension.ts";
import { extensionLastWordsMs, lostReportMs } from "./limits.ts";

export type ToBlame = "runtime" | "extension";

export interface LastWordsOptions {
  readonly clock: Clock;
  readonly exchanges: Exchanges;
  readonly onFault: (fault: Fault, by: ToBlame) => void;
}

export class LastWords {
  /** Extensions that reported an error, in that order. */
  readonly #reporting = new Set<Extension>();
  /** How the runtime ended. */
  #exit: Exit | undefined;
  /** Timers of faults that are yet to be told. */
  readonly #callOffTellings: (() => void)[] = [];
  #isCalledOff = false;

  constructor(private readonly options: LastWordsOptions) {}

  /** These processes are being ended: from here on nothing is a fault. */
  callOff(): void {
    this.#isCalledOff = true;
    for (const callOff of this.#callOffTellings.splice(0)) callOff();
  }

  runtimeExited(exit: Exit): void {
    this.#exit = exit;
    this.concludeExit();
  }

  /** Tells of the runtime's end, if it has ended. */
  concludeExit(): void {
    if (!this.#exit || this.#isCalledOff) return;
    // A report that is still being read decides, unless it never comes to its end.
    if (this.options.exchanges.isReportingInitError) this.#tellAfter(lostReportMs, () => this.#tellExit());
    else this.#tellExit();
  }

  /** An extension that reported an error ends, as a rule; one that stays must not hold up whoever waits for it. */
  extensionReported(extension: Extension): void {
    if (this.#reporting.has(extension) || this.#isCalledOff) return;
    this.#reporting.add(extension);
    const { reported = "ExitError", name } = extension;
    const told = `the extension ${name} reported ${extension.toReport().errorType}`;
    log.error(told);
    this.#tellAfter(extensionLastWordsMs, () => {
      this.options.onFault({ type: `Extension.${reported}`, reason: `${told} and did not end` }, "extension");
    });
  }

  extensionExited({ name }: Extension, exit: Exit): void {
    const fault = extensionExitFault(exit, this.#firstReport);
    log.error(`the extension ${name} ended: ${fault.reason}`);
    this.options.onFault(fault, "extension");
  }

  #tellExit(): void {
    if (!this.#exit || this.#isCalledOff) return;
    const fault = runtimeExitFault(this.#exit);
    const reported = this.#firstReport;
    if (reported) this.options.onFault({ ...fault, type: `Extension.${reported}` }, "extension");
    else this.options.onFault(fault, "runtime");
  }

  /** The first report of an error names the type of whatever ends because of it. */
  get #firstReport(): "InitError" | "ExitError" | undefined {
    return [...this.#reporting][0]?.reported;
  }

  #tellAfter(ms: number, tell: () => void): void {
    this.#callOffTellings.push(this.options.clock.after(ms, tell));
  }
}
