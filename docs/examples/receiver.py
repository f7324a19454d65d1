# python3 receiver.py: a webhook receiver with the standard library alone. PORT and SECRET come from the environment.
import base64, hashlib, hmac, http.server, json, os, time

SECRETS = os.environ["SECRET"].split()  # both, while you rotate
seen = set()  # a table with a unique key, in real life


def verified(headers, body):
    message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False  # a replayed old request
    signed = f"{message}.{stamp}.".encode() + body
    given = [part[3:] for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
    for secret in SECRETS:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if any(hmac.compare_digest(wanted, signature) for signature in given):
            return True
    return False


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if verified(self.headers, body):
            message = json.loads(body)
            if self.headers["webhook-id"] not in seen:  # the same id: the same message, sent again
                print("verified", message["type"], flush=True)
                seen.add(self.headers["webhook-id"])
            self.send_response(204)
        else:
            print("refused", flush=True)
            self.send_response(401)
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
