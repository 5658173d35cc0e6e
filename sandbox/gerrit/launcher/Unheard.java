package reviewloop.launcher;

import java.io.OutputStream;
import java.io.PrintWriter;
import javax.servlet.ServletOutputStream;
import javax.servlet.WriteListener;
import javax.servlet.http.HttpServletResponse;
import javax.servlet.http.HttpServletResponseWrapper;

/** A response into which Gerrit may write as it likes: nothing of it reaches the client. */
final class Unheard extends HttpServletResponseWrapper {
  private final ServletOutputStream nowhere = new Nowhere();
  private final PrintWriter writer = new PrintWriter(OutputStream.nullOutputStream());

  Unheard(HttpServletResponse response) {
    super(response);
  }

  @Override
  public ServletOutputStream getOutputStream() {
    return nowhere;
  }

  @Override
  public PrintWriter getWriter() {
    return writer;
  }

  @Override
  public void flushBuffer() {}

  @Override
  public void sendError(int status) {}

  @Override
  public void sendError(int status, String message) {}

  @Override
  public void sendRedirect(String location) {}

  private static final class Nowhere extends ServletOutputStream {
    @Override
    public boolean isReady() {
      return true;
    }

    @Override
    public void setWriteListener(WriteListener listener) {
      throw new UnsupportedOperationException("Gerrit writes its answers synchronously");
    }

    @Override
    public void write(int ignored) {}

    @Override
    public void write(byte[] ignored, int offset, int length) {}
  }
}
