// node check.mjs FOLDER BINARY: webhooks of the real server, as others see them. Messages are verified by the
// `standardwebhooks` package (an independent implementation), before, during and after a rotation of the secret; then by
// the receivers of docs/examples, in three languages. Ends with 77 where the package cannot be installed.
import {spawn, spawnSync} from "node:child_process";
import {cpSync, existsSync, mkdirSync, mkdtempSync, rmSync} from "node:fs";
import {createServer} from "node:http";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const examples = join(here, "../../docs/examples");
const [folder, binary] = process.argv.slice(2);
const USER = "0a000000-0000-4000-8000-000000000001", OTHER = "0a000000-0000-4000-8000-000000000002";

function library() {
  mkdirSync(folder, {recursive: true});
  cpSync(join(here, "package.json"), join(folder, "package.json"));
  if (!existsSync(join(folder, "node_modules/standardwebhooks"))) {
    const npm = spawnSync("npm", ["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
      {cwd: folder, encoding: "utf8", timeout: 300_000});
    if (npm.error || npm.status !== 0) {
      console.log(`skipped: npm could not install standardwebhooks (offline?): ${npm.error?.message ?? npm.stderr.trim().split("\n")[0]}`);
      process.exit(77);
    }
  }
  return createRequire(join(folder, "package.json"))("standardwebhooks").Webhook;
}

function assert(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`);
  console.log(`ok: ${what}`);
}
async function until(holds, what) {
  for (let i = 0; i < 600; ++i) {
    if (await holds()) return console.log(`ok: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`never so: ${what}`);
}
function ready(child, pattern) {
  let said = "";
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${said}`)));
    child.stdout.on("data", (piece) => {
      said += piece;
      const match = said.match(pattern);
      if (match) resolve(match);
    });
  });
}

// Below the ports that the system gives to outgoing connections: those come and go while the tests run beside each other.
async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    const free = await new Promise((resolve) => probe.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
    if (!free) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

const data = mkdtempSync(join(tmpdir(), "taskledger-webhooks-"));
const children = [];
async function main() {
  const Webhook = library();
  const made = spawnSync(binary, ["token", "create", "--data", data, "--workspace", "acme", "--user", USER, "--scopes",
    "tasks:read,tasks:write,audit:read,admin"], {encoding: "utf8"});
  const token = made.stdout.trim();
  const server = spawn(binary, ["serve", "--data", data, "--listen", "127.0.0.1:0", "--webhook-allow-private", "--webhook-first-retry", "200"],
    {stdio: ["ignore", "pipe", "inherit"]});
  children.push(server);
  const [, url] = await ready(server, /listening on (\S+)/);
  const call = async (method, path, body) => {
    const answer = await fetch(`${url}/api/v1${path}`, {method, headers: {authorization: `Bearer ${token}`, ...(body ? {"content-type": "application/json"} : {})},
      body: body && JSON.stringify(body)});
    const text = await answer.text();
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };

  // With the library.
  const received = [];
  const receiver = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    received.push({headers: request.headers, body: Buffer.concat(pieces).toString()});
    response.writeHead(200).end("thanks");
  });
  await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const webhook = await call("POST", "/webhooks", {url: `http://127.0.0.1:${receiver.address().port}/hook`});
  const first = new Webhook(webhook.secret);
  const verifies = (verifier, message) => {
    try {
      return verifier.verify(message.body, message.headers);
    } catch {
      return null;
    }
  };
  await call("POST", `/webhooks/${webhook.id}/ping`);
  const {task_id: task} = await call("POST", "/tasks", {title: "Größe ✓ \"quoted\"", assigned_to_id: OTHER});
  await call("PUT", `/tasks/${task}/complete`);
  await call("PUT", `/tasks/${task}/complete`, {completed: false});
  await call("PUT", `/tasks/${task}`, {title: "Changed"});
  await call("DELETE", `/tasks/${task}`);
  await call("POST", `/tasks/${task}/restore`);
  await until(() => received.length >= 7, "seven messages arrive");
  const types = received.filter((message) => verifies(first, message)).map((message) => JSON.parse(message.body).type);
  assert(types.filter((type) => type !== "ping").join() === "task.created,task.completed,task.reopened,task.updated,task.deleted,task.restored",
    "the library verifies each, and they came in order");
  assert(types.includes("ping"), "the ping too");
  const forged = {...received[1], body: received[1].body.replace("created", "deleted")};
  assert(!verifies(first, forged), "a changed body does not verify");

  const rotated = await call("POST", `/webhooks/${webhook.id}/rotate-secret`);
  await call("PUT", `/tasks/${task}`, {title: "After the rotation"});
  await until(() => received.length >= 8, "a message after the rotation");
  assert(verifies(first, received[7]) && verifies(new Webhook(rotated.secret), received[7]), "both secrets verify it");
  await call("POST", `/webhooks/${webhook.id}/replay`, {after: 0});
  await until(() => received.length >= 15, "all again after a replay");
  const ids = new Set(received.map((message) => message.headers["webhook-id"]));
  assert(ids.size === 8, "with the ids they had");
  await call("DELETE", `/webhooks/${webhook.id}`);
  receiver.closeAllConnections?.();
  receiver.close();

  // With the examples of the docs.
  for (const [command, file] of [["python3", "receiver.py"], ["node", "receiver.mjs"], ["java", "Receiver.java"]]) {
    if (spawnSync(command, ["--version"]).error) {
      console.log(`skipped: there is no ${command}`);
      continue;
    }
    const port = await freePort();
    const {id, secret} = await call("POST", "/webhooks", {url: `http://127.0.0.1:${port}/hook`});
    const child = spawn(command, [join(examples, file)], {env: {...process.env, PORT: String(port), SECRET: secret}, stdio: ["ignore", "pipe", "inherit"]});
    children.push(child);
    let said = "", ended = false;
    child.stdout.on("data", (piece) => said += piece);
    child.once("exit", () => ended = true);
    await until(() => !ended && fetch(`http://127.0.0.1:${port}/`, {method: "POST", body: "x"}).then(() => true, () => false), `${file} listens`);
    await call("POST", "/tasks", {title: `For ${file}`});
    await until(() => said.includes("verified task.created"), `${file} verifies a message`);
    assert(said.includes("refused"), `${file} refuses what is not signed`);
    await call("DELETE", `/webhooks/${id}`);
    child.kill();
  }
}

let failed = false;
try {
  await main();
} catch (error) {
  console.error(error);
  failed = true;
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(data, {recursive: true, force: true});
}
process.exit(failed ? 1 : 0);
