// java Receiver.java: a webhook receiver with the JDK alone. PORT and SECRET come from the environment.
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receiver {
  static final String[] SECRETS = System.getenv("SECRET").split(" ");  // both, while you rotate
  static final Set<String> SEEN = ConcurrentHashMap.newKeySet();       // a table with a unique key, in real life
  static final Pattern TYPE = Pattern.compile("\\{\"type\":\"([a-z.]+)\"");

  static boolean verified(String message, String stamp, String signatures, byte[] body) throws Exception {
    if (message == null || stamp == null || signatures == null || !stamp.matches("\\d+")) return false;
    if (Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(stamp)) > 300) return false;  // a replayed old request
    for (String secret : SECRETS) {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), "HmacSHA256"));
      mac.update((message + "." + stamp + ".").getBytes(StandardCharsets.UTF_8));
      byte[] wanted = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(StandardCharsets.US_ASCII);
      for (String given : signatures.split(" ")) {
        if (MessageDigest.isEqual(wanted, given.getBytes(StandardCharsets.US_ASCII))) return true;  // in constant time
      }
    }
    return false;
  }

  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 0);
    server.setExecutor(Executors.newFixedThreadPool(16));
    server.createContext("/", exchange -> {
      try (exchange) {
        var headers = exchange.getRequestHeaders();
        var body = new ByteArrayOutputStream();
        exchange.getRequestBody().transferTo(body);
        String id = headers.getFirst("webhook-id");
        boolean good = verified(id, headers.getFirst("webhook-timestamp"), headers.getFirst("webhook-signature"), body.toByteArray());
        if (!good) {
          System.out.println("refused");
        } else if (SEEN.add(id)) {  // otherwise the same message, sent again
          var type = TYPE.matcher(body.toString(StandardCharsets.UTF_8));
          System.out.println("verified " + (type.lookingAt() ? type.group(1) : "?"));
        }
        exchange.sendResponseHeaders(good ? 204 : 401, -1);
      } catch (Exception error) {
        throw new RuntimeException(error);
      }
    });
    server.start();
  }
}
