package reviewloop.launcher;

import java.io.IOException;
import javax.servlet.DispatcherType;
import javax.servlet.Filter;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Request;

/**
 * Stands before all of Gerrit's own handlers ({@code httpd.filterClass} in gerrit.config): logs each
 * request, lets its Date header follow {@link Clock}, and plays the fault that waits for it.
 *
 * <p>Gerrit's documentation: "Configuration", httpd.filterClass.
 *
 * <p>A git push is suspended by Gerrit and dispatched again, so it passes here more than once: it is
 * logged the first time, and its fault travels with it.
 */
public final class FrontFilter implements Filter {
  private static final String FAULT = FrontFilter.class.getName() + ".fault";
  private static final String LOGIN_PAGE =
      "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1>"
          + "<form method=\"post\"><input name=\"user\"><input name=\"password\" type=\"password\">"
          + "</form></body></html>\n";

  /** For Gerrit, which makes this object. */
  public FrontFilter() {}

  @Override
  public void init(FilterConfig config) {}

  @Override
  public void destroy() {}

  @Override
  public void doFilter(ServletRequest rawRequest, ServletResponse rawResponse, FilterChain chain)
      throws IOException, ServletException {
    HttpServletRequest request = (HttpServletRequest) rawRequest;
    if (request.getDispatcherType() == DispatcherType.REQUEST) {
      arrived(request);
    }
    Faults.Fault fault = (Faults.Fault) request.getAttribute(FAULT);
    if (fault != null && fault.kind.equals("delay")) {
      sleep(fault.number);
    }
    HttpServletResponse response = (HttpServletResponse) rawResponse;
    if (fault == null || fault.kind.equals("delay")) {
      chain.doFilter(request, response);
    } else {
      play(fault, request, response, chain);
    }
  }

  private static void arrived(HttpServletRequest request) {
    DateOnCommit.attach(Request.getBaseRequest(request).getResponse());
    String path = request.getRequestURI();
    Launcher.REQUESTS.add(
        new RequestLog.Entry(request.getMethod(), path, request.getQueryString()));
    request.setAttribute(FAULT, Launcher.FAULTS.take(request.getMethod(), path));
  }

  private static void play(
      Faults.Fault fault, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    switch (fault.kind) {
      case "status":
        if (!fault.retryAfter.isEmpty()) {
          response.setHeader("Retry-After", fault.retryAfter);
        }
        answer(response, fault.number, "text/plain", "fault " + fault.number + "\n");
        break;
      case "html":
        answer(response, HttpServletResponse.SC_OK, "text/html", LOGIN_PAGE);
        break;
      case "drop_after":
        chain.doFilter(request, new Unheard(response));
        if (!request.isAsyncStarted()) {
          hangUp(request);
        }
        break;
      case "drop_before":
        hangUp(request);
        break;
      default:
        throw new IllegalStateException(fault.kind);
    }
  }

  private static void answer(HttpServletResponse response, int status, String type, String body)
      throws IOException {
    response.setStatus(status);
    response.setContentType(type);
    response.setCharacterEncoding("UTF-8");
    response.getWriter().write(body);
  }

  /** The servlet API cannot close a connection without an answer; Jetty can. */
  private static void hangUp(HttpServletRequest request) {
    Request.getBaseRequest(request).getHttpChannel().abort(new IOException("dropped by a fault"));
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
