package reviewloop.launcher;

import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.HttpOutput;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Puts {@link Clock}'s time into the Date header just before an answer's first byte is sent.
 *
 * <p>It must be this late: Jetty sets the wall clock's time before any filter runs, Gerrit's {@code
 * CacheHeaders} sets it again, and error pages set it once more after the last filter returned.
 */
final class DateOnCommit implements HttpOutput.Interceptor {
  private final Response response;
  private final HttpOutput.Interceptor next;

  private DateOnCommit(Response response) {
    this.response = response;
    next = response.getHttpOutput().getInterceptor();
  }

  static void attach(Response response) {
    response.getHttpOutput().setInterceptor(new DateOnCommit(response));
  }

  @Override
  public void write(ByteBuffer content, boolean last, Callback callback) {
    if (!response.isCommitted()) {
      response.getHttpFields().putDateField(HttpHeader.DATE, Launcher.CLOCK.millis());
    }
    next.write(content, last, callback);
  }

  @Override
  public HttpOutput.Interceptor getNextInterceptor() {
    return next;
  }

  @Override
  public boolean isOptimizedForDirectBuffers() {
    return next.isOptimizedForDirectBuffers();
  }
}
