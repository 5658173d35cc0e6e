package reviewloop.launcher;

import java.time.Duration;
import java.time.Instant;

/** A clock that is set, stepped (also back), frozen and run on; it never looks at the wall clock. */
final class Clock {
  private Instant base = Instant.EPOCH;
  private long startedNanos = System.nanoTime();
  private boolean running = true;

  synchronized Instant now() {
    return running ? base.plusNanos(System.nanoTime() - startedNanos) : base;
  }

  long millis() {
    return now().toEpochMilli();
  }

  synchronized boolean isRunning() {
    return running;
  }

  synchronized void set(Instant instant) {
    base = instant;
    startedNanos = System.nanoTime();
  }

  synchronized void advance(Duration step) {
    set(now().plus(step));
  }

  synchronized void freeze() {
    set(now());
    running = false;
  }

  synchronized void run() {
    set(now());
    running = true;
  }
}
