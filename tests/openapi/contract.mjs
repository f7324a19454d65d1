// The real server against its description: every documented query parameter is known, an undocumented one is refused,
// `timezone` wherever it is not documented; scopes are asked for, and answers have the documented shape, nothing missing
// and nothing besides.
import {request} from "node:http";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";

const ABSENT = "0a000000-0000-4000-8000-00000000dead";
// Answers that depend on how the server was started, or that have no end.
const NOT_CALLED = new Set(["streamEvents", "getMetrics", "createBackup", "eraseTask", "rebuildProjection", "checkProjection"]);

// Objects of the description as closed ones, so that an undocumented field shows.
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== "object") return schema;
  const out = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, ["example", "examples", "enum", "const"].includes(key) ? value : closed(value)]));
  if (out.properties && out.type === "object") out.unevaluatedProperties = out.additionalProperties ?? false;
  if (out.allOf) out.unevaluatedProperties = false;
  return out;
}
// Parts of an allOf stay open: the whole is closed.
function opened(document) {
  for (const schema of Object.values(document.components.schemas)) {
    for (const part of schema.allOf ?? []) {
      const target = part.$ref ? document.components.schemas[part.$ref.split("/").pop()] : part;
      if (part.$ref) {
        const index = schema.allOf.indexOf(part);
        schema.allOf[index] = {...structuredClone(target)};
        delete schema.allOf[index].unevaluatedProperties;
      } else {
        delete part.unevaluatedProperties;
      }
    }
  }
  return document;
}

// What `fetch` cannot send: a GET with a body, and heads over the limits.
function ask(url, {path = "/", headers = {}, body} = {}) {
  return new Promise((resolve, reject) => {
    const call = request(url + path, {headers: body === undefined ? headers : {...headers, "Content-Length": body.length}}, async (reply) => {
      let text = "";
      for await (const piece of reply) text += piece;
      resolve({status: reply.statusCode, headers: new Headers(Object.entries(reply.headers)), json: text ? JSON.parse(text) : undefined});
    });
    call.on("error", reject);
    call.end(body);
  });
}

export async function checkContract(url, tokens, text) {
  const api = opened(closed(JSON.parse(text)));
  const ajv = new Ajv({strict: false, allErrors: true});
  formats(ajv);
  ajv.addSchema(api, "api");
  const resolve = (thing) => (thing?.$ref ? resolve(thing.$ref.slice(2).split("/").reduce((at, key) => at[key.replaceAll("~1", "/")], api)) : thing);
  const problems = [];
  let routed = 0, validated = 0;

  async function call(operation, {query = "", token = tokens.all, body} = {}) {
    let path = operation.path;
    for (const parameter of operation.parameters) if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, parameter.schema.format === "uuid" ? operation.id ?? ABSENT : parameter.example ?? "x");
    const headers = operation.security.length ? {Authorization: `Bearer ${token}`} : {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const reply = await fetch(`${url}${path}${query}`, {method: operation.method.toUpperCase(), headers, body: body === undefined ? undefined : JSON.stringify(body)});
    const content = await reply.text();
    const type = (reply.headers.get("content-type") ?? "").split(";")[0];
    return {status: reply.status, headers: reply.headers, type, json: type === "application/json" && content ? JSON.parse(content) : undefined};
  }

  function validate(operation, reply) {
    const where = `${operation.method.toUpperCase()} ${operation.path} ${reply.status}`;
    const response = resolve(operation.responses[reply.status]);
    if (!response) return problems.push(`${where}: not documented (${JSON.stringify(reply.json)})`);
    for (const [name, header] of Object.entries(response.headers ?? {}))
      if (!name.startsWith("X-RateLimit") && !reply.headers.has(name)) problems.push(`${where}: header ${name} is missing (${JSON.stringify(resolve(header).description)})`);
    if (reply.json === undefined) return;
    const media = response.content?.["application/json"];
    if (!media) return problems.push(`${where}: a body that is not documented`);
    const check = ajv.compile(JSON.parse(JSON.stringify(media.schema).replaceAll('"#/', '"api#/')));
    validated += 1;
    if (!check(reply.json)) problems.push(`${where}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(reply.json).slice(0, 400)}`);
  }

  const operations = Object.entries(api.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({...operation, path, method, parameters: (operation.parameters ?? []).map(resolve)})));
  const task = await (await fetch(`${url}/api/v1/tasks`, {method: "POST", headers: {Authorization: `Bearer ${tokens.all}`, "Content-Type": "application/json"}, body: '{"title":"Contract"}'})).json();

  for (const operation of operations) {
    if (NOT_CALLED.has(operation.operationId)) continue;
    const media = operation.requestBody?.content["application/json"];
    const body = media && (media.example ?? Object.values(media.examples)[0].value);
    const names = operation.parameters.filter((parameter) => parameter.in === "query").map((parameter) => parameter.name);
    const reply = await call(operation, {query: names.length ? "?" + names.map((name) => `${name}=`).join("&") : "", body});
    if (reply.json?.code === "NOT_FOUND") continue;  // tests_openapi knows which are not there
    routed += 1;
    if (reply.json?.message?.includes("is unknown")) problems.push(`${operation.operationId}: ${reply.json.message}`);
    validate(operation, reply);
    if (operation["x-scope"] && operation["x-scope"] !== "tasks:read") {
      const refused = await call(operation, {token: tokens.reader, body});
      if (refused.status !== 403) problems.push(`${operation.operationId}: ${refused.status} without its scope`);
      validate(operation, refused);
    }
    if (!operation.security.length) continue;
    const stranger = await call(operation, {token: "ksr_no", body});
    if (stranger.status !== 401) problems.push(`${operation.operationId}: ${stranger.status} without a token`);
    validate(operation, stranger);
    validate(operation, await call(operation, {query: "?undocumented=1", body}));
    const zoned = names.includes("timezone") ? undefined : await call(operation, {query: "?timezone=UTC", body});
    if (zoned && zoned.status !== 400) problems.push(`${operation.operationId}: ${zoned.status} with a timezone, which is not documented`);
    if (operation.method === "get" && operation.path.includes("/tasks/{id}")) validate(operation, await call({...operation, id: task.task_id}));
  }
  // The description's own example of a refusal is the server's.
  const list = operations.find((operation) => operation.operationId === "listTasks");
  const headers = {Authorization: `Bearer ${tokens.all}`, "Content-Type": "application/json"};
  for (const [status, wrong] of [
    [413, {path: list.path, headers, body: "x".repeat(65537)}], [415, {path: list.path, headers: {...headers, "Content-Type": "text/plain"}, body: "{}"}],
    [414, {path: `${list.path}?search=${"x".repeat(70000)}`, headers}], [431, {path: list.path, headers: {...headers, "X-Much": "x".repeat(70000)}}],
  ]) {
    const reply = await ask(url, wrong);
    if (reply.status !== status) problems.push(`${reply.status} instead of ${status}`);
    validate(list, reply);
    const {message} = resolve(list.responses[status]).content["application/json"].example;
    if (reply.json?.message !== message) problems.push(`${status}: ${reply.json?.message}, and not ${message}`);
  }
  if (routed < 20 || validated < 60) problems.push(`only ${routed} operations were called and ${validated} answers looked at`);
  if (problems.length) throw new Error(`the server and its description differ:\n  ${problems.join("\n  ")}`);
}
