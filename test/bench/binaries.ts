/** The binaries that are compared: where they come from, and what they are. */
import { chmodSync, copyFileSync, existsSync } from "node:fs";
import { basename, join } from "node:path";
import { buildSpike } from "./build-spike.ts";
import { buildLastRelease, lastRelease } from "./last-release.ts";

export interface Binary {
  readonly name: string;
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Where it comes from, for the reader of the figures. */
  readonly origin: string;
}

/** Milliseconds a download may take. */
const downloadMs = 180_000;

const isUrl = (place: string) => /^https?:\/\//.test(place);
const arch = process.arch === "arm64" ? "arm64" : "x86_64";

/** Makes the copies that are started. */
export class Binaries {
  /** @param directory where the copies are put */
  constructor(private readonly directory: string) {}

  /** @param path that of another binary than the one that was built last */
  ours(path = join(import.meta.dir, `../../dist/aws-lambda-rie-${arch}`)): Promise<Binary> {
    if (!existsSync(path)) throw new Error(`${path} does not exist: build it with \`npm run build -- --host\``);
    return this.#take("ours", path, path);
  }

  /**
   * @param place a path, or a URL of http or https
   * @throws where there is none
   */
  async other(place: string): Promise<Binary> {
    const name = basename(isUrl(place) ? new URL(place).pathname : place);
    const path = isUrl(place) ? await this.#download(place) : place;
    if (!existsSync(path)) throw new Error(`${path} does not exist: give the path or the URL of a binary`);
    return this.#take(name === "ours" ? "other" : name, path, place);
  }

  async spike(): Promise<Binary> {
    const path = join(this.directory, "built-spike");
    await buildSpike(path);
    return this.#take("spike", path, "test/bench/spike.ts");
  }

  lastRelease(): Promise<Binary> {
    const { version, commit } = lastRelease;
    const path = buildLastRelease(join(this.directory, "last-release"), arch);
    return this.#take(version, path, `${commit.slice(0, 7)}, compiled with the Bun and the packages installed here`);
  }

  async #download(url: string): Promise<string> {
    const path = join(this.directory, "download");
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(downloadMs) });
      if (!answer.ok) throw new Error(`its answer has the status ${answer.status}`);
      await Bun.write(path, answer);
    } catch (error) {
      throw new Error(`${url} cannot be loaded: ${(error as Error).message} Give the path or the URL of a binary.`);
    }
    return path;
  }

  /**
   * All binaries are copied the same way first: how a file came into the page cache decides how much of it the kernel
   * maps at once, and thereby some MB of the resident memory.
   */
  async #take(name: string, file: string, origin: string): Promise<Binary> {
    const path = join(this.directory, name);
    copyFileSync(file, path);
    chmodSync(path, 0o755);
    const hasher = new Bun.CryptoHasher("sha256");
    for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
    return { name, path, sha256: hasher.digest("hex"), origin };
  }
}
