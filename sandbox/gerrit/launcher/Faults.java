package reviewloop.launcher;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Faults waiting for their requests: the oldest that matches a request is spent on it. */
final class Faults {
  private static final Set<String> WITHOUT_NUMBER = Set.of("drop_before", "drop_after", "html");
  private static final Set<String> WITH_NUMBER = Set.of("status", "delay");

  /** One fault; Gson writes its fields by name. */
  static final class Fault {
    final String kind;
    /** A status for {@code status}, milliseconds for {@code delay}, else 0. */
    final int number;

    final String match;
    final String method;
    final String retryAfter;
    int left;
    private final transient Pattern pattern;

    Fault(String spec, String match, String method, String retryAfter, int count) {
      String[] parts = spec.split(":", 2);
      kind = parts[0];
      boolean known = parts.length == 2 ? WITH_NUMBER.contains(kind) : WITHOUT_NUMBER.contains(kind);
      if (!known) {
        throw new IllegalArgumentException(
            "kind is '" + spec + "': use status:CODE, delay:MS, drop_before, drop_after or html");
      }
      number = parts.length == 2 ? Integer.parseInt(parts[1]) : 0;
      this.match = match;
      this.method = method;
      this.retryAfter = retryAfter;
      left = count;
      pattern = Pattern.compile(match);
    }

    private boolean suits(String method, String path) {
      return (this.method.isEmpty() || this.method.equals(method)) && pattern.matcher(path).find();
    }
  }

  private final List<Fault> waiting = new ArrayList<>();

  synchronized void add(Fault fault) {
    waiting.add(fault);
  }

  synchronized void clear() {
    waiting.clear();
  }

  synchronized List<Fault> waiting() {
    return new ArrayList<>(waiting);
  }

  /** The fault to play on this request, or null. */
  synchronized Fault take(String method, String path) {
    for (Iterator<Fault> each = waiting.iterator(); each.hasNext(); ) {
      Fault fault = each.next();
      if (fault.suits(method, path)) {
        fault.left--;
        if (fault.left == 0) {
          each.remove();
        }
        return fault;
      }
    }
    return null;
  }
}
