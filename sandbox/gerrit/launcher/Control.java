package reviewloop.launcher;

import com.google.gson.Gson;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * The tests' own port, apart from Gerrit's: {@code /clock}, {@code /requests} and {@code /fault}.
 * Every answer is JSON; a request that makes no sense is answered 400 with the reason.
 */
final class Control {
  private static final Gson GSON = new Gson();

  private Control() {}

  static void start(int port) throws IOException {
    // Else each answer waits 40 ms for the client's delayed acknowledgement of its header.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    serve(server, "/clock", Control::clock);
    serve(server, "/requests", Control::requests);
    serve(server, "/fault", Control::fault);
    server.start();
  }

  /** Parameters are obeyed in the order given: {@code set=INSTANT advance=SECONDS freeze run}. */
  private static Object clock(Map<String, String> parameters) {
    Clock clock = Launcher.CLOCK;
    parameters.forEach(
        (key, value) -> {
          switch (key) {
            case "set":
              clock.set(Instant.parse(value));
              break;
            case "advance":
              clock.advance(Duration.ofSeconds(Long.parseLong(value)));
              break;
            case "freeze":
              clock.freeze();
              break;
            case "run":
              clock.run();
              break;
            default:
              throw new IllegalArgumentException("unknown parameter '" + key + "'");
          }
        });
    return Map.of("now", clock.now().toString(), "millis", clock.millis(), "running", clock.isRunning());
  }

  /** Answers what was seen; {@code reset} then forgets it. */
  private static Object requests(Map<String, String> parameters) {
    RequestLog log = Launcher.REQUESTS;
    Map<String, Object> seen = Map.of("count", log.count(), "requests", log.entries());
    if (parameters.containsKey("reset")) {
      log.reset();
    }
    return seen;
  }

  /** {@code kind, match, method, count, retry_after} add one; {@code clear} drops all that wait. */
  private static Object fault(Map<String, String> parameters) {
    Faults faults = Launcher.FAULTS;
    if (parameters.containsKey("clear")) {
      faults.clear();
    }
    if (parameters.containsKey("kind")) {
      faults.add(
          new Faults.Fault(
              parameters.get("kind"),
              parameters.getOrDefault("match", ""),
              parameters.getOrDefault("method", ""),
              parameters.getOrDefault("retry_after", ""),
              Integer.parseInt(parameters.getOrDefault("count", "1"))));
    }
    return Map.of("waiting", faults.waiting());
  }

  private static void serve(
      HttpServer server, String path, Function<Map<String, String>, Object> work) {
    server.createContext(
        path,
        exchange -> {
          try {
            send(exchange, 200, work.apply(parameters(exchange)));
          } catch (RuntimeException wrong) {
            send(exchange, 400, Map.of("error", String.valueOf(wrong.getMessage())));
          }
        });
  }

  private static Map<String, String> parameters(HttpExchange exchange) {
    Map<String, String> found = new LinkedHashMap<>();
    String query = exchange.getRequestURI().getRawQuery();
    for (String pair : query == null ? new String[0] : query.split("&")) {
      String[] parts = pair.split("=", 2);
      found.put(decode(parts[0]), parts.length == 2 ? decode(parts[1]) : "");
    }
    return found;
  }

  private static String decode(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }

  private static void send(HttpExchange exchange, int status, Object answer) throws IOException {
    byte[] body = (GSON.toJson(answer) + "\n").getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
