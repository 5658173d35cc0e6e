package reviewloop.launcher;

import com.google.gerrit.pgm.Daemon;
import com.google.gerrit.pgm.Init;
import com.google.gerrit.pgm.Reindex;
import com.google.gerrit.server.util.time.TimeUtil;
import java.io.IOException;
import java.time.Instant;

/**
 * Prepares a Gerrit site, or runs Gerrit on one with a clock, a request log and faults of ours.
 *
 * <pre>
 * init SITE
 * reindex SITE
 * run SITE CONTROL_PORT START_INSTANT
 * </pre>
 *
 * <p>{@code SITE/etc/gerrit.config} must exist in each case: whoever starts this writes it. Gerrit
 * makes the {@link FrontFilter} by itself, so what the filter and the control port share is static.
 */
public final class Launcher {
  static final Clock CLOCK = new Clock();
  static final Faults FAULTS = new Faults();
  static final RequestLog REQUESTS = new RequestLog();

  private Launcher() {}

  public static void main(String[] args) throws Exception {
    if (args.length == 2 && args[0].equals("init")) {
      System.exit(init(args[1]));
    } else if (args.length == 2 && args[0].equals("reindex")) {
      System.exit(new Reindex().main(new String[] {"-d", args[1], "--index", "changes"}));
    } else if (args.length == 4 && args[0].equals("run")) {
      CLOCK.freeze();
      CLOCK.set(Instant.parse(args[3]));
      System.exit(run(args[1], Integer.parseInt(args[2])));
    }
    System.err.println("usage: init SITE | reindex SITE | run SITE CONTROL_PORT START_INSTANT");
    System.exit(2);
  }

  private static int init(String site) throws Exception {
    return new Init()
        .main(
            new String[] {
              "-d", site, "--batch", "--dev", "--no-auto-start", "--skip-plugins",
              "--skip-all-downloads"
            });
  }

  private static int run(String site, int controlPort) throws Exception {
    TimeUtil.setCurrentMillisSupplier(CLOCK::millis);
    endWithOurParent();
    Control.start(controlPort);
    return new Daemon()
        .main(new String[] {"-d", site, "--disable-sshd", "--headless", "--console-log"});
  }

  /** Whoever started us holds our standard input open: its end means that nobody needs us. */
  private static void endWithOurParent() {
    Thread watch =
        new Thread(
            () -> {
              try {
                while (System.in.read() >= 0) {
                  // Nothing is said on it; only its end matters.
                }
              } catch (IOException gone) {
                System.err.println("standard input: " + gone);
              }
              System.exit(0);
            },
            "end-with-parent");
    watch.setDaemon(true);
    watch.start();
  }
}
