// node check.mjs FOLDER BINARY: installs the tools into FOLDER, lints the description of the API with both linters,
// makes a TypeScript client of it, compiles the story with that client, and runs the story and the contract checks
// against the real server. Ends with 77 where the tools cannot be installed.
import {execFileSync, spawn, spawnSync} from "node:child_process";
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const description = join(here, "../../http/openapi/openapi.json");
const [folder, binary] = process.argv.slice(2);
const SKIPPED = 77;
const USER = "0a000000-0000-4000-8000-000000000001";

function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(SKIPPED);
}

function install() {
  mkdirSync(folder, {recursive: true});
  for (const file of ["package.json", "tsconfig.json", "story.ts", "contract.mjs"]) cpSync(join(here, file), join(folder, file));
  const wanted = readFileSync(join(here, "package.json"), "utf8");
  const marker = join(folder, "node_modules/.installed");
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  const npm = spawnSync("npm", ["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
    {cwd: folder, encoding: "utf8", timeout: 420_000});
  if (npm.error) skip(`npm cannot be run (${npm.error.message})`);
  if (npm.status !== 0) skip(`npm could not install the tools (offline?): ${npm.stderr.trim().split("\n")[0]}`);
  cpSync(join(here, "package.json"), marker);
}

// A tool of node_modules/.bin; its output is shown when it fails.
function tool(name, ...args) {
  const run = spawnSync(join(folder, "node_modules/.bin", name), args, {cwd: folder, encoding: "utf8", env: {...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true"}});
  if (run.status !== 0) throw new Error(`${name} ${args.join(" ")} failed:\n${run.stdout}\n${run.stderr}`);
  console.log(`ok: ${name}`);
  return run.stdout + run.stderr;
}

function lint() {
  const said = tool("redocly", "lint", "--extends=recommended", description);
  if (/You have \d+ warning/.test(said)) throw new Error(`redocly warns:\n${said}`);
  tool("spectral", "lint", "--fail-severity=warn", "--ruleset", join(here, "spectral.yaml"), description);
}

async function serve(data) {
  const server = spawn(binary, ["serve", "--data", data, "--listen", "127.0.0.1:0"], {stdio: ["ignore", "pipe", "inherit"]});
  let said = "";
  const url = await new Promise((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    server.stdout.on("data", (piece) => {
      said += piece;
      const match = said.match(/listening on (\S+)/);
      if (match) resolve(match[1]);
    });
  });
  const stop = () => new Promise((resolve) => { server.once("exit", resolve); server.kill("SIGTERM"); });
  return {url, stop};
}

async function againstTheServer() {
  const home = mkdtempSync(join(tmpdir(), "taskledger-openapi-"));
  const data = join(home, "data");
  const token = (scopes) => execFileSync(binary, ["token", "create", "--data", data, "--workspace", "acme", "--user", USER, "--scopes", scopes], {encoding: "utf8"}).trim();
  const all = token("tasks:read,tasks:write,audit:read,admin,operator");
  const reader = token("tasks:read");
  const server = await serve(data);
  try {
    const {story} = await import(pathToFileURL(join(folder, "compiled/story.js")));
    await story(server.url, all, USER);
    console.log("ok: story");
    const {checkContract} = await import(pathToFileURL(join(folder, "contract.mjs")));
    await checkContract(server.url, {all, reader}, readFileSync(description, "utf8"));
    console.log("ok: contract");
  } finally {
    await server.stop();
    rmSync(home, {recursive: true, force: true});
  }
}

install();
lint();
tool("openapi-typescript", description, "--output", join(folder, "schema.d.ts"));
tool("tsc", "--project", join(folder, "tsconfig.json"));
await againstTheServer();
