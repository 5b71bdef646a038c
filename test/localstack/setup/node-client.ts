/** Installs the runtime client for the image of Node.js functions, which compiles a part of it. */
import { install, newNodeClient } from "../../e2e/support/clients.ts";

await install(newNodeClient);
