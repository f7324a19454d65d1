// node receiver.mjs: a webhook receiver with Node alone. PORT and SECRET come from the environment.
import {createHmac, timingSafeEqual} from "node:crypto";
import {createServer} from "node:http";

const secrets = process.env.SECRET.split(" "); // both, while you rotate
const seen = new Set(); // a table with a unique key, in real life

function verified(headers, body) {
  const message = headers["webhook-id"], stamp = headers["webhook-timestamp"];
  if (!/^\d+$/.test(stamp ?? "") || Math.abs(Date.now() / 1000 - Number(stamp)) > 300) return false; // a replayed old request
  const given = (headers["webhook-signature"] ?? "").split(" ").filter((part) => part.startsWith("v1,"));
  return secrets.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const wanted = createHmac("sha256", key).update(`${message}.${stamp}.`).update(body).digest();
    return given.some((part) => {
      const signature = Buffer.from(part.slice(3), "base64");
      return signature.length === wanted.length && timingSafeEqual(signature, wanted);
    });
  });
}

createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  if (!verified(request.headers, body)) {
    console.log("refused");
    return response.writeHead(401).end();
  }
  const message = JSON.parse(body);
  if (!seen.has(request.headers["webhook-id"])) { // the same id: the same message, sent again
    console.log(`verified ${message.type}`);
    seen.add(request.headers["webhook-id"]);
  }
  response.writeHead(204).end();
}).listen(Number(process.env.PORT), "127.0.0.1");
