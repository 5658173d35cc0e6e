package reviewloop.launcher;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** What arrived at the server since the last reset, in order of arrival; only the newest are kept. */
final class RequestLog {
  private static final int KEPT = 5000;

  /** One request; Gson writes its fields by name. */
  static final class Entry {
    final String method;
    final String path;
    final String query;

    Entry(String method, String path, String query) {
      this.method = method;
      this.path = path;
      this.query = query == null ? "" : query;
    }
  }

  private final Deque<Entry> entries = new ArrayDeque<>();
  private int count;

  synchronized void add(Entry entry) {
    count++;
    entries.addLast(entry);
    if (entries.size() > KEPT) {
      entries.removeFirst();
    }
  }

  synchronized int count() {
    return count;
  }

  synchronized List<Entry> entries() {
    return new ArrayList<>(entries);
  }

  synchronized void reset() {
    count = 0;
    entries.clear();
  }
}
