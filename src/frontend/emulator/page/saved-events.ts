/** Events with names, in a file beside the function's code that can be read, edited and committed. */
import { randomUUID } from "node:crypto";
import { chmod, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { AwsError, maxEventBytes } from "../aws-errors.ts";
import { readEvent } from "../call.ts";

export interface SavedEvent {
  readonly name: string;
  /** JSON text. */
  readonly event: string;
}

export interface SavedList {
  readonly file: string;
  readonly events: readonly SavedEvent[];
}

/** The name of the file. */
export const savedEventsName = "lambda-events.json";

/** Whether the page writes a file of this name: the file itself, and what is on its way into its place. */
export function isOfSavedEvents(name: string): boolean {
  return name === savedEventsName || (name.startsWith(`${savedEventsName}.`) && name.endsWith(temporaryEnd));
}

const temporaryEnd = ".tmp";

/** Bytes of a file that is still read. */
const maxFileBytes = 32 * 1024 * 1024;
const maxNameLength = 100;

/** @throws {AwsError} */
export function readSavedName(text: string): string {
  const name = text.trim();
  if (name !== "" && name.length <= maxNameLength && !/\p{Cc}/u.test(name)) return name;
  throw refused(`A name has 1 to ${maxNameLength} characters, and no control characters`);
}

/** @throws {AwsError} for what is no JSON */
export function textOfSavedEvent(request: Request): Promise<string> {
  return readEvent(request, "RequestResponse", maxEventBytes.RequestResponse);
}

export class SavedEvents {
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly file: string) {}

  /** As the file has them now. @throws {AwsError} if it cannot be read */
  async list(): Promise<SavedList> {
    const events = [...(await this.#read())].map(([name, event]) => ({ name, event: toText(event) }));
    return { file: this.file, events };
  }

  /** @throws {AwsError} if the file cannot be read or written; it is then as it was */
  save(name: string, event: string): Promise<SavedList> {
    return this.#change((events) => events.set(name, parse(event)));
  }

  /** @throws {AwsError} as `save` */
  remove(name: string): Promise<SavedList> {
    return this.#change((events) => events.delete(name));
  }

  /** One after the other, each with what the file has then: somebody may be editing it. */
  #change(change: (events: Map<string, unknown>) => void): Promise<SavedList> {
    const done = this.#turn.then(async () => {
      const events = await this.#read();
      change(events);
      await this.#write(`${toText(Object.fromEntries(events))}\n`);
      return this.list();
    });
    this.#turn = done.catch(() => {});
    return done;
  }

  async #read(): Promise<Map<string, unknown>> {
    let text: string;
    try {
      if ((await stat(this.file)).size > maxFileBytes)
        throw refused(`${this.file} has more than 32 MB: make it smaller`);
      text = await readFile(this.file, "utf8");
    } catch (error) {
      if (error instanceof AwsError) throw error;
      if (codeOf(error) === "ENOENT") return new Map();
      throw refused(`${this.file} cannot be read (${codeOf(error)})`);
    }
    let value: unknown;
    try {
      value = parse(text);
    } catch {
      throw refused(`${this.file} is no JSON: correct it, or move it away`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw refused(`${this.file} is no JSON object with a name for each event: correct it, or move it away`);
    }
    return new Map(Object.entries(value));
  }

  /** Whole or not at all: beside the file first, then in its place. */
  async #write(text: string): Promise<void> {
    // What a link points to is written, not the link.
    const target = await realpath(this.file).catch(() => this.file);
    const temporary = `${target}.${randomUUID().slice(0, 8)}${temporaryEnd}`;
    try {
      const mode = await stat(target).then(
        (found) => found.mode & 0o777,
        () => undefined,
      );
      // To root every file is writable; whoever made it read-only meant it.
      if (mode !== undefined && (mode & 0o222) === 0) throw Object.assign(new Error(), { code: "EACCES" });
      await writeFile(temporary, text, { flush: true, flag: "wx" });
      if (mode !== undefined) await chmod(temporary, mode);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw new AwsError("AccessDeniedException", whyNotWritten(this.file, codeOf(error)));
    }
  }
}

function whyNotWritten(file: string, code: string): string {
  if (["EACCES", "EPERM", "EROFS"].includes(code)) {
    return `${file} cannot be written: it or its directory is read-only. Allow writing, or start the emulator in a directory of yours`;
  }
  return `${file} cannot be written (${code})`;
}

function refused(message: string): AwsError {
  return new AwsError("InvalidParameterValueException", message);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** Numbers stay as they are written: some have more digits than a number of JavaScript. */
function parse(text: string): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  const keep = (_: string, value: unknown, { source }: { source: string }) =>
    typeof value === "number" ? rawJSON(source) : value;
  return JSON.parse(text, keep as Parameters<typeof JSON.parse>[1]);
}

const toText = (value: unknown) => JSON.stringify(value, null, 2);
